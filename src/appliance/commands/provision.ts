/** `fieldgate provision`: what a gateway needs before the network may see it, made once. */

import { readAccounts, writeAccounts } from '../../security/account-book.ts'
import { hashPassword, newSecret } from '../../security/password.ts'
import { ExitCode, type Invocation } from '../command.ts'
import { findConfiguration } from '../configuration-file.ts'
import { makeSecurityDirectory, securityFilesIn } from '../state/security-directory.ts'
import { findStateDirectory } from '../state/state-directory.ts'
import { issueServerCertificate } from './cert.ts'

const administrator = 'admin'

export async function run(invocation: Invocation): Promise<number> {
  const { surroundings } = invocation
  const files = securityFilesIn(findStateDirectory(invocation))
  const accounts = readAccounts(files.accounts)
  if (accounts.some(({ isAdministrator }) => isAdministrator === true)) {
    surroundings.complain(
      'fieldgate: this gateway is provisioned. fieldgate account passwd gives an administrator a new password, fieldgate cert server a new certificate.',
    )
    return ExitCode.FAILURE
  }
  const { settings } = await findConfiguration(invocation)
  makeSecurityDirectory(files)
  await issueServerCertificate(files, settings.cse.id, [])
  const password = newSecret()
  // Last: with an administrator, the gateway is provisioned.
  writeAccounts(files.accounts, [
    ...accounts.filter(({ name }) => name !== administrator),
    { name: administrator, password: await hashPassword(password), isAdministrator: true },
  ])
  surroundings.print(`administrator: ${administrator}`)
  surroundings.print(`password, shown this once: ${password}`)
  surroundings.print(`${files.authority}: what clients have to trust`)
  surroundings.print(
    `At its next start the gateway listens for MQTT on ${settings.mqtt.tlsListen.join(', ') || 'no address (mqtt.tls_listen)'} and for HTTPS on ${settings.http.tlsListen.join(', ') || 'no address (http.tls_listen)'}, for those with an account or a certificate.`,
  )
  return ExitCode.OK
}
