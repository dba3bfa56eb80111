/** What the CSE offers to those who bring requests, and what it needs from those who carry its own requests away. */

import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import type { Principal } from '../onem2m/principal.ts'
import type { Serialization } from '../onem2m/serialization.ts'

/** Where a request came from, as far as the one who brought it can vouch. */
export interface RequestContext {
  /** `local`: loopback. `network`: from elsewhere. `internal`: a part of this gateway. */
  readonly source: 'local' | 'network' | 'internal'
  /** Who it is that has shown credentials. */
  readonly principal?: Principal
  /** Address of the client, for access control contexts and the log. */
  readonly remoteAddress?: string
  /** The CSE that passed the request on, for one of those behind it, as the binding has found by the connection. */
  readonly broughtBy?: string
  /** Group commit may wait this long for company; 0 by default. */
  readonly patienceMs?: number
}

export interface RequestHandler {
  /**
   * Executes a request: memory changes before this returns. `respond` is called exactly once: at once for what needs no disk,
   * after the commit group otherwise. Never throws; every request gets a response (also the ones with response type 5, which the
   * binding then keeps to itself).
   */
  handle(request: RequestPrimitive, context: RequestContext, respond: (response: ResponsePrimitive) => void): void
  /** True while more waits for the disk than one commit group should hold: whoever can hold back requests should. */
  readonly isCongested?: boolean
  /** True when whoever this context is of may speak for an entity (`entityOfIdentifier`): nobody else has taken it. */
  mayUse?(entity: string, context: RequestContext): boolean
  /** Somebody has been refused who spoke in the name of somebody else: counted and logged here, whichever way in has noticed. */
  reportImpostor?(claimed: string | undefined, context: RequestContext): void
  /** True when a CSE that is registered here may bring requests of an originator behind it. */
  speaksFor?(cseId: string, originator: string): boolean
}

/** Carries the CSE's own requests (notifications, forwarded requests) to where a point of access leads. */
export interface Requester {
  /** URL schemes this one serves, without the colon: `mqtt`, `http`. */
  readonly schemes: readonly string[]
  /** False where it is known that sending would be in vain; nothing is lost by trying where this is not there. */
  reaches?(way: Pick<Delivery, 'pointOfAccess' | 'target'>): boolean
  /**
   * Sends and waits for the response. Rejects when the target can't be reached or does not answer in `timeoutMs`.
   * `pointOfAccess` is a URL, `mqtt:` for "the broker that runs here", or `cse:` for the way to another CSE; `target` is the AE-ID, CSE-ID or
   * address at another CSE when there is one: without it the URL names the target completely and nothing oneM2M is expected back
   * (TS-0004 7.3.1.3).
   */
  send(delivery: Delivery): Promise<ResponsePrimitive>
}

export interface Delivery {
  readonly pointOfAccess: string
  readonly target: string | undefined
  readonly request: RequestPrimitive
  readonly timeoutMs: number
  /** Whether it may wait until its target comes for it, rather than somebody for its response. */
  readonly isPatient?: boolean
  /** Called when something that keeps order and bounds by itself has taken the request over: the next one need not wait for this response. */
  handedOver?(): void
  /** What the target asked for (contentSerialization); a `ct` in the URL goes before it. JSON by default. */
  readonly serialization?: Serialization
}
