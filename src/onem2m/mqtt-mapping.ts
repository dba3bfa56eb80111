/** How oneM2M parties and messages are named in MQTT topics (TS-0010 6.4), and which spellings of an identifier mean the same entity. */

import type { Serialization } from './serialization.ts'

/** The kind of a oneM2M topic is its third level: requests, responses, and both for those who have no identifier yet. */
export type TopicKind = 'req' | 'resp' | 'reg_req' | 'reg_resp'

export interface OneM2MTopic {
  readonly kind: TopicKind
  /** The level of the one who sends the request, as it is written; also in a response. For `reg_` topics a Credential-ID. */
  readonly originator: string
  readonly receiver: string
  /** Serialisation: `json`, `cbor`. OpenMTC and Mobius leave it out in responses, others in requests. */
  readonly type: string | undefined
}

/** The CSE that identifiers are told from: what is its own may be left out of them. */
export interface OwnIdentity {
  /** `/mn-cse-1` */
  readonly cseId: string
  /** `//openmtc.org` */
  readonly spId: string
}

const kinds: ReadonlySet<string> = new Set<TopicKind>(['req', 'resp', 'reg_req', 'reg_resp'])

/** The parts of `[<prefix>/]/oneM2M/<kind>/<originator>/<receiver>[/<type>]`, or undefined when the topic is none of these. */
export function parseTopic(topic: string, prefix = ''): OneM2MTopic | undefined {
  const start = topicStart(prefix)
  if (!topic.startsWith(start)) return undefined
  const [kind, originator, receiver, type, ...rest] = topic.slice(start.length).split('/')
  if (kind === undefined || !kinds.has(kind) || !originator || !receiver || rest.length > 0) return undefined
  return { kind: kind as TopicKind, originator, receiver, type: type === '' ? undefined : type }
}

export function formatTopic(topic: OneM2MTopic, prefix = ''): string {
  const parties = `${topicStart(prefix)}${topic.kind}/${topic.originator}/${topic.receiver}`
  return topic.type === undefined ? parties : `${parties}/${topic.type}`
}

/** Where the response to a request goes: the same levels, not swapped, as the originator wrote them. TS-0010 6.4.2. */
export function responseTopic(request: OneM2MTopic, prefix = '', type = request.type): string {
  return formatTopic({ ...request, kind: request.kind === 'reg_req' ? 'reg_resp' : 'resp', type }, prefix)
}

function topicStart(prefix: string): string {
  return prefix === '' ? '/oneM2M/' : `${prefix}/oneM2M/`
}

/** A AE-ID or CSE-ID as a topic level, TS-0010 6.4.2 to 6.4.4: `/mn-1/CAE01` is `mn-1:CAE01`, `//sp.org/in-1` is `:sp.org:in-1`. */
export function identifierToLevel(identifier: string): string {
  const relative = identifier.startsWith('//')
    ? `:${identifier.slice(2)}`
    : identifier.startsWith('/')
      ? identifier.slice(1)
      : identifier
  return relative.replaceAll('/', ':')
}

/**
 * The identifier that a topic level most likely stands for. The way back is not exact: `CAE01` may be an AE or a CSE, so that it serves
 * only where a message does not name its originator itself.
 */
export function levelToIdentifier(level: string): string {
  const [head, ...rest] = level.split(':')
  if (rest.length === 0) return /^[CS]/.test(level) ? level : `/${level}`
  if (head === '') return rest.length === 1 ? `/${rest[0]}` : `//${rest.join('/')}`
  return `/${level.replaceAll(':', '/')}`
}

/**
 * One spelling for all forms of an entity's identifier, without what is the CSE's own: `CAE01`, `/mn-1/CAE01` and `//sp.org/mn-1/CAE01`
 * are `CAE01`, `/in-1` is `in-1`, `//other.org/in-1` stays. To be compared, not to be shown: a stem and a CSE-ID of the same letters
 * are alike in topics too.
 */
export function entityOfIdentifier(identifier: string, own: OwnIdentity): string {
  const inSp = identifier.startsWith(`${own.spId}/`) ? identifier.slice(own.spId.length) : identifier
  if (inSp.startsWith('//')) return inSp
  return withoutOwnCse(inSp.startsWith('/') ? inSp.slice(1) : inSp, own)
}

/** The same spelling from a topic level: `CAE01`, `mn-1:CAE01`, `:sp.org:mn-1:CAE01`, and `:mn-1` as Mobius writes a CSE-ID. */
export function entityOfLevel(level: string, own: OwnIdentity): string {
  const path = level.replaceAll(':', '/')
  if (!path.startsWith('/')) return withoutOwnCse(path, own)
  return entityOfIdentifier(path.indexOf('/', 1) < 0 ? path : `/${path}`, own)
}

function withoutOwnCse(path: string, own: OwnIdentity): string {
  const ownPart = `${own.cseId.slice(1)}/`
  return path.startsWith(ownPart) && path.length > ownPart.length ? path.slice(ownPart.length) : path
}

/** The topic that an MQTT URL in `nu` or `rt.nu` names when no AE or CSE is meant: its path is the whole topic (TS-0010 6.6). */
export function topicOfUrl(url: string, ownLevel: string, type: Serialization = 'json'): string | undefined {
  const match = /^[a-z+-]+:\/\/[^/?#]*\/([^?#]*)(\?[^#]*)?/i.exec(url)
  const path = match?.[1]
  if (!path) return undefined
  // Mobius names an AE instead, and says so by the serialization that it asks for.
  if (match?.[2]?.includes('ct=') && !path.includes('/')) return `/oneM2M/req/${ownLevel}/${path}/${type}`
  // A path can't show the empty first level that every oneM2M topic has.
  return path.startsWith('oneM2M/') ? `/${path}` : path
}
