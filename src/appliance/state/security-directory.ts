/** Where a gateway keeps what others must not read: accounts, keys and certificates. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

export interface SecurityFiles {
  readonly directory: string
  readonly accounts: string
  readonly authority: string
  readonly authorityKey: string
  readonly server: string
  readonly serverKey: string
  /** Certificates that are not good any more, as a list that the authority has signed. */
  readonly revoked: string
  /** What the authority has issued, for people. */
  readonly issued: string
}

export function securityFilesIn(stateDirectory: string): SecurityFiles {
  const directory = join(stateDirectory, 'security')
  return {
    directory,
    accounts: join(directory, 'accounts.json'),
    authority: join(directory, 'ca.pem'),
    authorityKey: join(directory, 'ca-key.pem'),
    server: join(directory, 'server.pem'),
    serverKey: join(directory, 'server-key.pem'),
    revoked: join(directory, 'revoked.pem'),
    issued: join(directory, 'issued.json'),
  }
}

export function makeSecurityDirectory({ directory }: SecurityFiles): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
}
