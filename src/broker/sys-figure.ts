/** What the broker knows about itself, by the names that mosquitto has for it below `$SYS/broker/`. */

import type { Clock } from '../onem2m/clock.ts'
import type { BrokerState } from './broker-state.ts'
import type { Traffic } from './outlet.ts'
import type { BrokerStatistics } from './statistics.ts'

export interface SysFigureFacts {
  readonly state: BrokerState
  readonly traffic: Traffic
  readonly statistics: BrokerStatistics
  readonly clock: Clock
  connectedClients(): number
  bridges(): readonly { readonly name: string; readonly isUp: boolean }[]
}

const minuteMs = 60_000
const spans = [1, 5, 15] as const

/**
 * Of a counter, what it gains a minute, averaged over the last minutes with exponentially falling weight as system loads are. Nothing is sampled in
 * between: between two looks the counter is taken to have grown evenly.
 */
class Load {
  #counted = 0
  readonly #perMinute = spans.map(() => 0)

  /** The averages, over each span, now that `elapsedMs` have passed since the last look. */
  look(count: number, elapsedMs: number): readonly number[] {
    if (elapsedMs <= 0) return this.#perMinute
    const rate = ((count - this.#counted) * minuteMs) / elapsedMs
    this.#counted = count
    for (const [index, minutes] of spans.entries()) {
      const before = this.#perMinute[index] ?? 0
      this.#perMinute[index] = rate + Math.exp(-elapsedMs / (minutes * minuteMs)) * (before - rate)
    }
    return this.#perMinute
  }
}

export class SysFigures {
  readonly #facts: SysFigureFacts
  readonly #startedMs: number
  #lookedMs: number
  readonly #loads = new Map<string, Load>()
  #mostClients = 0
  readonly #bounds: (() => Readonly<Record<string, number>>)[] = []

  constructor(facts: SysFigureFacts) {
    this.#facts = facts
    this.#startedMs = this.#lookedMs = facts.clock.monotonicMs()
  }

  addBounds(counters: () => Readonly<Record<string, number>>): void {
    this.#bounds.push(counters)
  }

  /** A client has connected. */
  connected(): void {
    this.#facts.traffic.connections++
    this.#mostClients = Math.max(this.#mostClients, this.#facts.connectedClients())
  }

  read(): Readonly<Record<string, string | number>> {
    const { state, traffic, statistics, clock, connectedClients, bridges } = this.#facts
    const { sessions, retained, router } = state
    const waiting = sessions.waiting()
    const clients = connectedClients()
    const dropped = statistics.droppedMessages + statistics.overflowedMessages
    return {
      version: 'fieldgate',
      uptime: `${Math.floor((clock.monotonicMs() - this.#startedMs) / 1000)} seconds`,
      'clients/connected': clients,
      'clients/disconnected': sessions.offline,
      'clients/total': clients + sessions.offline,
      'clients/maximum': this.#mostClients,
      'clients/expired': statistics.endedSessions,
      'bytes/received': traffic.bytesReceived,
      'bytes/sent': traffic.bytesSent,
      'messages/received': traffic.packetsReceived,
      'messages/sent': traffic.packetsSent,
      'messages/inflight': waiting.inFlight,
      'publish/messages/received': traffic.publishesReceived,
      'publish/messages/sent': traffic.publishesSent,
      'publish/messages/dropped': dropped,
      'retained messages/count': retained.count,
      'subscriptions/count': router.subscriptions,
      'store/messages/count': retained.count + waiting.messages,
      'store/messages/bytes': retained.bytes + waiting.bytes,
      ...Object.fromEntries(
        [() => ({ ...statistics }), ...this.#bounds]
          .flatMap((counters) => Object.entries(counters()))
          .map(([name, count]) => [`bounds/${name}`, count]),
      ),
      'heap/current size': process.memoryUsage().heapUsed,
      ...this.#averages({
        connections: traffic.connections,
        sockets: traffic.sockets,
        'bytes/received': traffic.bytesReceived,
        'bytes/sent': traffic.bytesSent,
        'messages/received': traffic.packetsReceived,
        'messages/sent': traffic.packetsSent,
        'publish/dropped': dropped,
        'publish/received': traffic.publishesReceived,
        'publish/sent': traffic.publishesSent,
      }),
      ...Object.fromEntries(bridges().map(({ name, isUp }) => [`connection/${name}/state`, isUp ? 1 : 0])),
    }
  }

  #averages(counts: Readonly<Record<string, number>>): Readonly<Record<string, string>> {
    const nowMs = this.#facts.clock.monotonicMs()
    const elapsedMs = nowMs - this.#lookedMs
    this.#lookedMs = nowMs
    const averages: Record<string, string> = {}
    for (const [name, count] of Object.entries(counts)) {
      let load = this.#loads.get(name)
      if (load === undefined) {
        load = new Load()
        this.#loads.set(name, load)
      }
      for (const [index, perMinute] of load.look(count, elapsedMs).entries())
        averages[`load/${name}/${spans[index]}min`] = perMinute.toFixed(2)
    }
    return averages
  }
}
