/** `fieldgate account`: who may come in over the network, and as what. A gateway that runs takes notice at once. */

import { type Account, accountName, readAccounts, writeAccounts } from '../../security/account-book.ts'
import { digestToken, hashPassword, newSecret } from '../../security/password.ts'
import { ExitCode, type Invocation, UsageError } from '../command.ts'
import { makeSecurityDirectory, securityFilesIn } from '../state/security-directory.ts'
import { findStateDirectory } from '../state/state-directory.ts'

type Action = (name: string, accounts: readonly Account[], invocation: Invocation) => Promise<readonly Account[]>

const actions: Readonly<Record<string, Action>> = { add, remove, passwd, token }

export async function run(invocation: Invocation): Promise<number> {
  const { operands, surroundings } = invocation
  const [action = '', name] = operands
  const files = securityFilesIn(findStateDirectory(invocation))
  const accounts = readAccounts(files.accounts)
  if (action === 'list') {
    for (const account of accounts) surroundings.print(describe(account))
    if (accounts.length === 0) surroundings.print(`no accounts in ${files.directory}`)
    return ExitCode.OK
  }
  const act = actions[action]
  if (act === undefined) throw new UsageError(`account ${action}: expected add, remove, passwd, token or list`)
  if (name === undefined) throw new UsageError(`account ${action}: which account?`)
  if (action !== 'add' && !accounts.some((account) => account.name === name)) {
    surroundings.complain(
      `fieldgate: there is no account ${name} in ${files.accounts}; fieldgate account list shows those that there are.`,
    )
    return ExitCode.FAILURE
  }
  makeSecurityDirectory(files)
  writeAccounts(files.accounts, await act(name, accounts, invocation))
  return ExitCode.OK
}

async function add(name: string, accounts: readonly Account[], invocation: Invocation): Promise<readonly Account[]> {
  const { flags, values, surroundings } = invocation
  if (!accountName.test(name))
    throw new UsageError(
      `account add ${name}: a name has up to 64 letters, digits, ".", "_", "@" and "-", and begins with a letter or digit`,
    )
  if (accounts.some((account) => account.name === name))
    throw new UsageError(
      `account add ${name}: there is an account of this name; remove it first, or give it a password with passwd`,
    )
  const originators = values['originator'] ?? []
  const account: Account = {
    name,
    password: await hashPassword(await choosePassword(name, invocation)),
    isAdministrator: flags.has('admin'),
    originators,
    registersOne: !flags.has('admin') && originators.length === 0,
    topics: (values['topic'] ?? []).map(readTopic),
  }
  surroundings.print(describe(account))
  return [...accounts, account]
}

async function remove(name: string, accounts: readonly Account[]): Promise<readonly Account[]> {
  return accounts.filter((account) => account.name !== name)
}

async function passwd(name: string, accounts: readonly Account[], invocation: Invocation): Promise<readonly Account[]> {
  const password = await hashPassword(await choosePassword(name, invocation))
  return accounts.map((account) => (account.name === name ? { ...account, password } : account))
}

async function token(
  name: string,
  accounts: readonly Account[],
  { surroundings }: Invocation,
): Promise<readonly Account[]> {
  const secret = newSecret()
  surroundings.print(`token of ${name}, shown this once: ${secret}`)
  const added = { name: `${name}-${Date.now().toString(36)}`, digest: digestToken(secret) }
  return accounts.map((account) =>
    account.name === name ? { ...account, tokens: [...(account.tokens ?? []), added] } : account,
  )
}

/** From standard input with --stdin; otherwise a new one, which is shown once. */
async function choosePassword(name: string, { flags, surroundings }: Invocation): Promise<string> {
  if (flags.has('stdin')) {
    const password = (await surroundings.readInput()).replace(/\r?\n$/, '')
    if (password.length < 8) throw new UsageError('account: a password has 8 characters at least')
    return password
  }
  const password = newSecret()
  surroundings.print(`password of ${name}, shown this once: ${password}`)
  return password
}

function readTopic(text: string): { readonly filter: string; readonly access: 'read' | 'write' | 'readwrite' } {
  const [, filter, access] = /^(.+)=(read|write|readwrite)$/.exec(text) ?? []
  if (filter === undefined)
    throw new UsageError(`account: --topic ${text}: expected FILTER=read, FILTER=write or FILTER=readwrite`)
  return { filter, access: access as 'read' }
}

function describe({
  name,
  isAdministrator,
  originators = [],
  registersOne,
  topics = [],
  tokens = [],
}: Account): string {
  const parts = [
    isAdministrator ? 'administrator' : undefined,
    originators.length > 0 ? `speaks for ${originators.join(', ')}` : undefined,
    registersOne ? 'registers one AE and keeps it' : undefined,
    ...topics.map(({ filter, access }) => `${access} ${filter}`),
    tokens.length > 0 ? `${tokens.length} ${tokens.length === 1 ? 'token' : 'tokens'}` : undefined,
  ]
  return `${name}: ${parts.filter((part) => part !== undefined).join('; ')}`
}
