/** Who is at the other end of a connection, as far as it has been shown: what every way into the gateway makes of credentials, and asks about. */

import { matchesWildcard } from './wildcard.ts'

/** What may be done on plain MQTT topics. */
export interface TopicRule {
  /** A topic filter; `%u` stands for the name of the principal. */
  readonly filter: string
  readonly access: 'read' | 'write' | 'readwrite'
}

/**
 * An account or a certificate. Whoever comes over loopback without credentials has none, and may speak for every entity that no principal
 * has taken. Entities are written as `entityOfIdentifier` writes them.
 */
export interface Principal {
  /** No two have the same; what a principal registers is bound to it. */
  readonly name: string
  readonly isAdministrator: boolean
  /** Entities that it may speak for and register; `*` stands for any characters. */
  readonly originators: readonly string[]
  /** It may register one AE besides, and keeps it. */
  readonly registersOne: boolean
  readonly topics: readonly TopicRule[]
}

/** Whether a list of patterns names an entity. */
export function names(patterns: readonly string[], entity: string): boolean {
  return patterns.some((pattern) => (pattern.includes('*') ? matchesWildcard(pattern, entity) : pattern === entity))
}
