/** What the broker counts: what it did, and how often a bound was met. */

export interface BrokerStatistics {
  /** Messages that went to a consumer in this process. */
  consumed: number
  /** Messages kept for an addressee that had not subscribed yet. */
  parked: number
  /** Those of them that nobody came for in time, or that had to make room. */
  parkedInVain: number
  /** QoS 0 messages not delivered to a slow reader. */
  droppedMessages: number
  /** Messages that found no room in a queue. */
  overflowedMessages: number
  closedSlow: number
  closedOversized: number
  /** Connections whose client went beyond another bound. */
  closedBeyondBound: number
  /** Connections whose client broke the protocol. */
  closedMalformed: number
  /** Connections without a CONNECT in time. */
  closedLate: number
  refusedConnections: number
  refusedRetained: number
  refusedSubscriptions: number
  /** Times that a sender was not read for a while because of its rates. */
  paced: number
  /** Messages on topics that are not for those who published them. */
  refusedMessages: number
  endedSessions: number
  bridgeReconnects: number
  /** Messages from upstream, and those of them that were not taken. */
  bridgeReceived: number
  bridgeRefused: number
  /** Messages and subscriptions that could not be stored, and were not acknowledged. */
  notStored: number
}

export function newStatistics(): BrokerStatistics {
  return {
    consumed: 0,
    parked: 0,
    parkedInVain: 0,
    droppedMessages: 0,
    overflowedMessages: 0,
    closedSlow: 0,
    closedOversized: 0,
    closedBeyondBound: 0,
    closedMalformed: 0,
    closedLate: 0,
    refusedConnections: 0,
    refusedRetained: 0,
    refusedSubscriptions: 0,
    refusedMessages: 0,
    paced: 0,
    endedSessions: 0,
    bridgeReconnects: 0,
    bridgeReceived: 0,
    bridgeRefused: 0,
    notStored: 0,
  }
}
