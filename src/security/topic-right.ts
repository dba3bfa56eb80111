/** Who may publish to a topic and hear what is published there: TS-0010 7.4 for oneM2M topics, the rules of accounts for all others. */

import { entityOfLevel, type OneM2MTopic, type OwnIdentity, parseTopic } from '../onem2m/mqtt-mapping.ts'
import type { Principal } from '../onem2m/principal.ts'

interface TopicRightFacts {
  readonly own: OwnIdentity
  /** Whether an entity is a principal's, or nobody's where there is none. */
  mayUse(principal: Principal | undefined, entity: string): boolean
  /** Whether it may become one. */
  mayRegister(principal: Principal, entity: string): boolean
  /** Somebody may hear what they did not. */
  changed(): void
  /** Whether a topic filter covers a topic. */
  matches(filter: string, topic: string): boolean
}

/** Credential-IDs, and AE-IDs that are asked for: the first to use one has it until the process ends; beyond so many all are forgotten. */
const maxClaims = 10_000

export class TopicRights {
  readonly #facts: TopicRightFacts
  readonly #claims = new Map<string, string>()

  constructor(facts: TopicRightFacts) {
    this.#facts = facts
  }

  mayPublish(principal: Principal | undefined, topic: string): boolean {
    if (!topic.startsWith('/oneM2M/')) return this.#isAllowed(principal, topic, 'write')
    const parts = parseTopic(topic)
    if (parts === undefined) return principal === undefined || principal.isAdministrator
    if (parts.kind === 'reg_req') return this.#claim(principal?.name ?? '', `reg ${parts.originator}`)
    // A request is its originator's, a response its receiver's.
    if (parts.kind === 'resp' || parts.kind === 'reg_resp') return this.#speaksAt(principal, parts.receiver)
    if (this.#speaksAt(principal, parts.originator)) return true
    const entity = this.#entityAt(parts.originator)
    return principal !== undefined && this.#facts.mayRegister(principal, entity) && this.#claim(principal.name, entity)
  }

  mayReceive(principal: Principal | undefined, topic: string): boolean {
    if (!topic.startsWith('/oneM2M/')) return this.#isAllowed(principal, topic, 'read')
    const parts = parseTopic(topic)
    if (parts === undefined) return principal === undefined || principal.isAdministrator
    if (principal?.isAdministrator === true) return true
    if (parts.kind === 'reg_req' || parts.kind === 'reg_resp') return this.#hears(principal, parts)
    const [own, other] = parts.kind === 'req' ? [parts.receiver, parts.originator] : [parts.originator, parts.receiver]
    if (this.#isOwnCse(own)) return this.#speaksAt(principal, other)
    return this.#speaksAt(principal, own) || (principal !== undefined && this.#hasAskedFor(principal, own))
  }

  #hears(principal: Principal | undefined, { originator }: OneM2MTopic): boolean {
    return this.#claims.get(`reg ${originator}`) === (principal?.name ?? '')
  }

  /** Somebody who registers hears the answer, which may be a refusal. */
  #hasAskedFor(principal: Principal, level: string): boolean {
    const entity = this.#entityAt(level)
    return this.#claims.get(entity) === principal.name && this.#facts.mayRegister(principal, entity)
  }

  #entityAt(level: string): string {
    return entityOfLevel(level, this.#facts.own)
  }

  #speaksAt(principal: Principal | undefined, level: string): boolean {
    return this.#facts.mayUse(principal, this.#entityAt(level))
  }

  #isOwnCse(level: string): boolean {
    return `/${level}` === this.#facts.own.cseId
  }

  #claim(name: string, what: string): boolean {
    const owner = this.#claims.get(what)
    if (owner !== undefined) return owner === name
    if (this.#claims.size >= maxClaims) this.#claims.clear()
    this.#claims.set(what, name)
    this.#facts.changed()
    return true
  }

  #isAllowed(principal: Principal | undefined, topic: string, wanted: 'read' | 'write'): boolean {
    if (principal === undefined || principal.isAdministrator) return true
    return principal.topics.some(
      ({ filter, access }) => (access === wanted || access === 'readwrite') && this.#facts.matches(filter, topic),
    )
  }
}
