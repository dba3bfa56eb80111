/** Which devices and points each sampler had in its last round: what is gone is said once, and its faults are gone with it. */

import type { Log } from '../onem2m/log.ts'
import type { Reading } from './point.ts'

interface PresenceFacts {
  readonly log: Log
  /** A point that had a fault is not there any more. */
  readonly onGone: (path: string) => void
}

interface Round {
  readonly devices: ReadonlySet<string>
  /** Paths of points that could not be read. */
  readonly faulty: ReadonlySet<string>
}

export class Presence {
  readonly #facts: PresenceFacts
  readonly #rounds = new Map<string, Round>()

  constructor(facts: PresenceFacts) {
    this.#facts = facts
  }

  /** Devices that were there in the last round of any sampler. */
  get devices(): readonly string[] {
    return [...new Set([...this.#rounds.values()].flatMap(({ devices }) => [...devices]))]
  }

  /** What a sampler found this time. The devices of the first round are no news. */
  see(sampler: string, readings: readonly Reading[]): void {
    const before = this.#rounds.get(sampler)
    const devices = new Set<string>()
    const faulty = new Set<string>()
    for (const { point, value } of readings) {
      if (point.device !== undefined) devices.add(point.device)
      if (value === undefined || Number.isNaN(value)) faulty.add(point.path)
    }
    this.#rounds.set(sampler, { devices, faulty })
    if (before === undefined) return
    for (const device of before.devices) if (!devices.has(device)) this.#facts.log.info('device is gone', { device })
    for (const device of devices) if (!before.devices.has(device)) this.#facts.log.info('device is there', { device })
    if (before.faulty.size === 0) return
    const paths = new Set(readings.map(({ point }) => point.path))
    for (const path of before.faulty) if (!paths.has(path)) this.#facts.onGone(path)
  }
}
