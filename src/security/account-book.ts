/** The accounts of a gateway: one file that only its owner can read, looked at again whenever somebody wants in. */

import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { entityOfIdentifier, type OwnIdentity } from '../onem2m/mqtt-mapping.ts'
import type { Principal, TopicRule } from '../onem2m/principal.ts'
import { digestToken } from './password.ts'

export interface Account {
  readonly name: string
  /** As `hashPassword` writes it; an account may have tokens alone. */
  readonly password?: string
  readonly isAdministrator?: boolean
  /** AE-IDs and CSE-IDs, in any form, `*` for any characters. */
  readonly originators?: readonly string[]
  readonly registersOne?: boolean
  readonly topics?: readonly TopicRule[]
  readonly tokens?: readonly { readonly name: string; readonly digest: string }[]
}

interface AccountFile {
  readonly accounts: readonly Account[]
}

/** What an account may be called: it becomes a part of topics and log lines. */
export const accountName = /^[A-Za-z0-9][\w.@-]{0,63}$/

/** The accounts in a file; none when there is no file. Throws the system's error, or SyntaxError when somebody has broken it. */
export function readAccounts(path: string): readonly Account[] {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as AccountFile).accounts
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Replaces the file as a whole: whoever reads it meanwhile sees the old one or the new one. */
export function writeAccounts(path: string, accounts: readonly Account[]): void {
  const draft = `${path}.new`
  writeFileSync(draft, `${JSON.stringify({ accounts } satisfies AccountFile, undefined, 2)}\n`, {
    mode: 0o600,
    flush: true,
  })
  renameSync(draft, path)
}

interface BookFacts {
  readonly path: string
  readonly own: OwnIdentity
  /** The file can't be read: the accounts that were known stay. */
  unreadable(error: Error): void
  /** Accounts are others than they were. */
  changed(): void
}

interface Entry {
  readonly account: Account
  readonly principal: Principal
}

export class AccountBook {
  readonly #facts: BookFacts
  #entries = new Map<string, Entry>()
  #byToken = new Map<string, Entry>()
  /** Of the file as it was read last. */
  #stamp = ''

  constructor(facts: BookFacts) {
    this.#facts = facts
  }

  /** Reads the file again when it is another one. */
  refresh(): void {
    const { path, unreadable, changed } = this.#facts
    const stamp = stampOf(path)
    if (stamp === this.#stamp) return
    this.#stamp = stamp
    try {
      const accounts = readAccounts(path)
      this.#entries = new Map(
        accounts.map((account) => [account.name, { account, principal: this.#principalOf(account) }]),
      )
      this.#byToken = new Map(
        [...this.#entries.values()].flatMap((entry) =>
          (entry.account.tokens ?? []).map(({ digest }) => [digest, entry] as const),
        ),
      )
      changed()
    } catch (error) {
      unreadable(error as Error)
    }
  }

  find(name: string): Entry | undefined {
    return this.#entries.get(name)
  }

  findByToken(token: string): Entry | undefined {
    return this.#byToken.get(digestToken(token))
  }

  #principalOf({
    name,
    isAdministrator = false,
    originators = [],
    registersOne = false,
    topics = [],
  }: Account): Principal {
    const entities = originators.map((originator) => entityOfIdentifier(originator, this.#facts.own))
    const rules = topics.map(({ filter, access }) => ({ filter: filter.replaceAll('%u', name), access }))
    return { name, isAdministrator, originators: entities, registersOne, topics: rules }
  }
}

function stampOf(path: string): string {
  const status = statSync(path, { throwIfNoEntry: false })
  return status === undefined ? '' : `${status.ino}.${status.mtimeMs}.${status.size}`
}
