/** What is counted of a container's instances, and how the counters are stored. */

export interface InstanceCounters {
  /** Sequence numbers of the oldest instance, and of the one that comes next. */
  first: number
  next: number
  count: number
  bytes: number
  stateTag: number
  /** Instances with a name that their originator chose. */
  named: number
  /** Instances with labels. */
  labelled: number
  /** No instance expires before this, in milliseconds since 1970; Infinity when none expires by itself. */
  expiryMs: number
  /** The expiry of the instance that was appended last, while none expires before one that is older; NaN when they are out of order. */
  lastExpiryMs: number
}

export function newCounters(): InstanceCounters {
  return {
    first: 0,
    next: 0,
    count: 0,
    bytes: 0,
    stateTag: 0,
    named: 0,
    labelled: 0,
    expiryMs: Number.POSITIVE_INFINITY,
    lastExpiryMs: 0,
  }
}

/** A list of numbers; what is not finite is null in JSON. */
export function encodeCounters(counters: InstanceCounters): string {
  const { first, next, count, bytes, stateTag, named, labelled, expiryMs, lastExpiryMs } = counters
  return JSON.stringify([first, next, count, bytes, stateTag, named, labelled, expiryMs, lastExpiryMs])
}

export function decodeCounters(text: string): InstanceCounters {
  const [first, next, count, bytes, stateTag, named, labelled, expiryMs, lastExpiryMs] = JSON.parse(text) as Stored
  return {
    first,
    next,
    count,
    bytes,
    stateTag,
    named,
    labelled,
    expiryMs: expiryMs ?? Number.POSITIVE_INFINITY,
    lastExpiryMs: lastExpiryMs ?? Number.NaN,
  }
}

type Stored = readonly [number, number, number, number, number, number, number, number | null, number | null]
