/** Which topics a bridge exchanges, and what each is called on the other side. */

import { matchesFilter } from './filter-tree.ts'
import type { QoS } from './surface.ts'

/** Topics that are bridged: `localPrefix + filter` here is `remotePrefix + filter` there. Prefixes end as they are written. */
export interface BridgeRule {
  readonly direction: 'in' | 'out' | 'both'
  readonly filter: string
  /** The highest that messages of this rule have. */
  readonly qos: QoS
  readonly localPrefix?: string
  readonly remotePrefix?: string
}

/** What to subscribe to here, by filter: what goes out. */
export function localFilters(rules: readonly BridgeRule[]): ReadonlyMap<string, QoS> {
  const going = rules.filter(({ direction }) => direction !== 'in')
  return new Map(going.map(({ filter, qos, localPrefix = '' }) => [localPrefix + filter, qos]))
}

/** What to subscribe to there: what comes in. */
export function remoteFilters(rules: readonly BridgeRule[]): readonly { readonly topic: string; readonly qos: QoS }[] {
  const coming = rules.filter(({ direction }) => direction !== 'out')
  return coming.map(({ filter, qos, remotePrefix = '' }) => ({ topic: remotePrefix + filter, qos }))
}

/** The topic there of a message that goes out; undefined when no rule is for it. */
export function toRemote(rules: readonly BridgeRule[], topic: string): string | undefined {
  for (const { direction, filter, localPrefix = '', remotePrefix = '' } of rules)
    if (direction !== 'in' && isBelow(topic, localPrefix, filter)) return remotePrefix + topic.slice(localPrefix.length)
  return undefined
}

/** The topic here of a message that came in; undefined when no rule is for it. */
export function toLocal(rules: readonly BridgeRule[], topic: string): string | undefined {
  for (const { direction, filter, localPrefix = '', remotePrefix = '' } of rules)
    if (direction !== 'out' && isBelow(topic, remotePrefix, filter))
      return localPrefix + topic.slice(remotePrefix.length)
  return undefined
}

function isBelow(topic: string, prefix: string, filter: string): boolean {
  return topic.startsWith(prefix) && matchesFilter(filter, topic.slice(prefix.length))
}
