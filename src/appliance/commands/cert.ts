/** `fieldgate cert`: the gateway's own certificate authority, and what it signs. */

import { accessSync, constants, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import type { KeyPairPem, Subject } from '../../security/certificate-issue.ts'
import { ExitCode, type Invocation, UsageError } from '../command.ts'
import { findConfiguration } from '../configuration-file.ts'
import { makeSecurityDirectory, type SecurityFiles, securityFilesIn } from '../state/security-directory.ts'
import { findStateDirectory } from '../state/state-directory.ts'

interface IssuedNote {
  readonly serialNumber: string
  readonly name: string
  readonly notAfter: string
  readonly isRevoked?: boolean
}

export async function run(invocation: Invocation): Promise<number> {
  const { operands, values, surroundings } = invocation
  const [action = '', name] = operands
  const files = securityFilesIn(findStateDirectory(invocation))
  switch (action) {
    case 'list':
      for (const note of readNotes(files))
        surroundings.print(
          `${note.serialNumber}  ${note.name}  until ${note.notAfter.slice(0, 10)}${note.isRevoked ? '  revoked' : ''}`,
        )
      return ExitCode.OK
    case 'server': {
      await issueServerCertificate(files, await cseIdOf(invocation), name === undefined ? [] : [name])
      surroundings.print(`${files.server}: for this machine; a gateway that runs takes it at its next start`)
      surroundings.print(`${files.authority}: what clients have to trust`)
      return ExitCode.OK
    }
    case 'ae':
    case 'cse': {
      if (name === undefined)
        throw new UsageError(
          `cert ${action}: for which ${action === 'ae' ? 'AE-ID' : 'CSE-ID'}? For example ${action === 'ae' ? '//openmtc.org/mn-cse-1/Cmeter' : '//openmtc.org/mn-cse-1'}`,
        )
      if (!/^\/\/[^/\s]+\/[^/\s]+(\/[CS][^/\s]*)?$/.test(name))
        throw new UsageError(
          `cert ${action} ${name}: expected the absolute identifier, //SP-ID/CSE-ID${action === 'ae' ? '/AE-ID' : ''}`,
        )
      const directory = resolve(values['out']?.at(-1) ?? '.')
      // Before anything is issued that nobody could use.
      accessSync(directory, constants.W_OK)
      const stem = name.slice(2).replaceAll('/', '_')
      const { certificate, key } = await issueAndNote(
        files,
        await authorityOf(files, await cseIdOf(invocation)),
        name,
        { commonName: name.slice(name.lastIndexOf('/') + 1), uri: name },
      )
      writeSecret(join(directory, `${stem}.pem`), certificate)
      writeSecret(join(directory, `${stem}-key.pem`), key)
      surroundings.print(
        `${join(directory, `${stem}.pem`)} and its key ${join(directory, `${stem}-key.pem`)}; trust ${files.authority}`,
      )
      return ExitCode.OK
    }
    case 'revoke': {
      if (name === undefined) throw new UsageError('cert revoke: which serial number? fieldgate cert list shows them')
      const notes = readNotes(files)
      if (!notes.some(({ serialNumber }) => serialNumber === name)) {
        surroundings.complain(
          `fieldgate: no certificate ${name} was issued here; fieldgate cert list shows those that were.`,
        )
        return ExitCode.FAILURE
      }
      const changed = notes.map((note) => (note.serialNumber === name ? { ...note, isRevoked: true } : note))
      await writeRevoked(files, changed)
      writeNotes(files, changed)
      surroundings.print(`${name} is not let in any more, from the next connection on`)
      return ExitCode.OK
    }
    default:
      throw new UsageError(`cert ${action}: expected server, ae, cse, revoke or list`)
  }
}

/** The authority of this gateway, made when there is none. */
export async function authorityOf(files: SecurityFiles, cseId: string): Promise<KeyPairPem> {
  if (existsSync(files.authority))
    return { certificate: readFileSync(files.authority, 'utf8'), key: readFileSync(files.authorityKey, 'utf8') }
  const { createAuthority } = await import('../../security/certificate-issue.ts')
  const authority = await createAuthority(`Fieldgate ${cseId}`, Date.now())
  makeSecurityDirectory(files)
  writeSecret(files.authorityKey, authority.key)
  writeSecret(files.authority, authority.certificate)
  return authority
}

/** For the names and addresses that this machine has now. */
export async function issueServerCertificate(
  files: SecurityFiles,
  cseId: string,
  more: readonly string[],
): Promise<void> {
  const authority = await authorityOf(files, cseId)
  const addresses = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ scopeid }) => !scopeid)
  const hosts = new Set([
    'localhost',
    hostname(),
    `${hostname()}.local`,
    ...addresses.map(({ address }) => address),
    ...more,
  ])
  const { certificate, key } = await issueAndNote(files, authority, hostname(), {
    commonName: hostname(),
    hosts: [...hosts],
  })
  writeSecret(files.serverKey, key)
  writeSecret(files.server, certificate)
}

async function issueAndNote(files: SecurityFiles, authority: KeyPairPem, name: string, subject: Subject) {
  const { issue } = await import('../../security/certificate-issue.ts')
  const issued = await issue(authority, subject, Date.now())
  const { serialNumber, notAfter } = issued
  writeNotes(files, [...readNotes(files), { serialNumber, name, notAfter: notAfter.toISOString() }])
  return issued
}

async function writeRevoked(files: SecurityFiles, notes: readonly IssuedNote[]): Promise<void> {
  const { revoke } = await import('../../security/certificate-issue.ts')
  const authority = {
    certificate: readFileSync(files.authority, 'utf8'),
    key: readFileSync(files.authorityKey, 'utf8'),
  }
  const revoked = notes.filter(({ isRevoked }) => isRevoked === true).map(({ serialNumber }) => serialNumber)
  writeSecret(files.revoked, await revoke(authority, revoked, Date.now()))
}

function readNotes({ issued }: SecurityFiles): readonly IssuedNote[] {
  return existsSync(issued) ? (JSON.parse(readFileSync(issued, 'utf8')) as readonly IssuedNote[]) : []
}

function writeNotes({ issued }: SecurityFiles, notes: readonly IssuedNote[]): void {
  writeSecret(issued, `${JSON.stringify(notes, undefined, 2)}\n`)
}

/** As a whole, and for nobody else. */
function writeSecret(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
}

async function cseIdOf(invocation: Invocation): Promise<string> {
  const { settings } = await findConfiguration(invocation)
  return settings.cse.id
}
