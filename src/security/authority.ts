/**
 * Who somebody is, from what they show: a certificate, a name and a password, a token, or that they are on this machine. One answer for MQTT,
 * HTTP and WebSockets.
 */

import { createHmac, randomBytes } from 'node:crypto'
import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { entityOfLevel, type OwnIdentity } from '../onem2m/mqtt-mapping.ts'
import type { Principal } from '../onem2m/principal.ts'
import { AccountBook } from './account-book.ts'
import { Backoff } from './backoff.ts'
import { principalNamed, principalOfCertificate } from './certificate-identity.ts'
import { neverRight, verifyPassword } from './password.ts'
import { TopicRights } from './topic-right.ts'

/** What is shown by whoever comes. */
export interface Credentials {
  readonly username?: string | undefined
  readonly password?: string | Uint8Array | undefined
  readonly token?: string | undefined
  /** Of a certificate that has been found good. */
  readonly certificateUris: readonly string[]
  readonly remoteAddress: string
  readonly isLocal: boolean
}

/** Somebody known, somebody who need not be, or why not. */
export type Identification =
  | { readonly principal: Principal | undefined }
  | { readonly refusal: string; readonly isSecretWrong: boolean }

interface AuthorityFacts {
  readonly accountFile: string
  readonly own: OwnIdentity
  /** Whoever comes over the network without credentials is let in, as nobody. */
  readonly allowsAnonymous: boolean
  readonly clock: Clock
  readonly log: Log
  mayUse(principal: Principal | undefined, entity: string): boolean
  mayRegister(principal: Principal, entity: string): boolean
  matches(filter: string, topic: string): boolean
}

/** Passwords that wait to be checked, one after another: the thread pool, and the memory, have others to serve. */
const maxWaiting = 64
/** How long a password that was right is not checked again: an HTTP client shows it with each request. */
const rememberedMs = 300_000
const maxRemembered = 1000

export class Authority {
  readonly #facts: AuthorityFacts
  readonly #book: AccountBook
  readonly #backoff: Backoff
  readonly #rights: TopicRights
  /** Of passwords that were right lately: not the passwords, and of no use to another process. */
  readonly #key = randomBytes(32)
  readonly #remembered = new Map<string, number>()
  #waiting = 0
  #lastCheck: Promise<unknown> = Promise.resolve()
  #onChange: ((areAccountsOthers: boolean) => void) | undefined

  constructor(facts: AuthorityFacts) {
    const { accountFile, own, clock, log } = facts
    this.#facts = facts
    this.#backoff = new Backoff(clock)
    this.#rights = new TopicRights({ ...facts, changed: () => this.#onChange?.(false) })
    this.#book = new AccountBook({
      path: accountFile,
      own,
      unreadable: (error) =>
        log.error('security: the accounts can not be read; those that were known stay', {
          file: accountFile,
          reason: error.message,
        }),
      changed: () => {
        this.#remembered.clear()
        this.#onChange?.(true)
      },
    })
  }

  /** Reads the accounts; calls when somebody may do what they could not, or the other way round. */
  start(onChange: (areAccountsOthers: boolean) => void): void {
    this.#book.refresh()
    this.#onChange = onChange
  }

  /** Reads the accounts again where they are others. */
  refresh(): void {
    this.#book.refresh()
  }

  /** True when an account is gone, or may do less or more than it did. */
  isOutdated(principal: Principal): boolean {
    const now = this.#named(principal.name)
    return now !== principal && JSON.stringify(now) !== JSON.stringify(principal)
  }

  async identify(credentials: Credentials): Promise<Identification> {
    const { username, token, certificateUris, isLocal } = credentials
    this.#book.refresh()
    if (certificateUris.length > 0) {
      const principal = principalOfCertificate(certificateUris, this.#facts.own)
      if (principal !== undefined) return { principal }
    }
    if (token !== undefined) return this.#identifyByToken(token, credentials)
    if (username !== undefined) return this.#identifyByPassword(username, credentials)
    if (isLocal || this.#facts.allowsAnonymous) return { principal: undefined }
    return { refusal: 'no credentials: an account, a token or a certificate is asked for here', isSecretWrong: false }
  }

  /** Whether whoever comes without anything may come at once. */
  admitsNobody(isLocal: boolean): boolean {
    return isLocal || this.#facts.allowsAnonymous
  }

  #identifyByToken(token: string, { remoteAddress }: Credentials): Identification {
    if (this.#backoff.isBlocked(remoteAddress)) return tooMany
    const found = this.#book.findByToken(token)
    if (found !== undefined) return { principal: found.principal }
    this.#backoff.failed(remoteAddress)
    return { refusal: 'no such token', isSecretWrong: true }
  }

  async #identifyByPassword(username: string, credentials: Credentials): Promise<Identification> {
    const { password, remoteAddress } = credentials
    const found = this.#book.find(username)
    const wrong = { refusal: `wrong password, or no account ${username.slice(0, 64)}`, isSecretWrong: true }
    const stored = found?.account.password
    if (password === undefined) return wrong
    const mark = this.#markOf(username, password, stored ?? '')
    const { clock } = this.#facts
    const isRemembered = () => (this.#remembered.get(mark) ?? Number.NEGATIVE_INFINITY) > clock.monotonicMs()
    if (found !== undefined && isRemembered()) return { principal: found.principal }
    if (this.#backoff.isBlocked(remoteAddress) || this.#waiting >= maxWaiting) return tooMany
    // An account that there is not takes as long as one that there is.
    // Of clients that come with one account at once, one is checked.
    const isRight = await this.#inTurn(async () => isRemembered() || verifyPassword(password, stored ?? neverRight))
    if (found === undefined || !isRight) {
      this.#backoff.failed(remoteAddress)
      return wrong
    }
    this.#backoff.succeeded(remoteAddress)
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear()
    this.#remembered.set(mark, clock.monotonicMs() + rememberedMs)
    return { principal: found.principal }
  }

  #markOf(username: string, password: string | Uint8Array, stored: string): string {
    return createHmac('sha256', this.#key).update(`${username}\n${stored}\n`).update(password).digest('base64')
  }

  #inTurn<T>(check: () => Promise<T>): Promise<T> {
    this.#waiting++
    const mine = this.#lastCheck.then(check).finally(() => {
      this.#waiting--
    })
    this.#lastCheck = mine.catch(() => {})
    return mine
  }

  /** As a broker asks: whether somebody may come under a client identifier, which may say an AE or a CSE (TS-0010 6.2). */
  mayBeCalled(principal: Principal | undefined, clientId: string): boolean {
    const level = /^[AC]::(.+)$/.exec(clientId)?.[1]
    if (level === undefined || principal?.isAdministrator === true) return true
    const entity = entityOfLevel(level, this.#facts.own)
    const { mayUse, mayRegister } = this.#facts
    return mayUse(principal, entity) || (principal !== undefined && mayRegister(principal, entity))
  }

  mayPublish(principal: Principal | undefined, topic: string): boolean {
    return this.#rights.mayPublish(principal, topic)
  }

  /** By the name of a principal; empty for nobody's. */
  mayReceive(owner: string, topic: string): boolean {
    if (owner === '') return this.#rights.mayReceive(undefined, topic)
    const principal = this.#named(owner)
    return principal !== undefined && this.#rights.mayReceive(principal, topic)
  }

  #named(name: string): Principal | undefined {
    return this.#book.find(name)?.principal ?? principalNamed(name)
  }
}

const tooMany: Identification = { refusal: 'too many failed attempts: try again later', isSecretWrong: true }
