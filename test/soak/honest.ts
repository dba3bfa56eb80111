/** An application that does its work beside others that make trouble: it asks, creates, and is notified of what it created; each is timed. */

import { connect, type OneM2MClient } from '../../src/index.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'

export interface Experience {
  readonly requests: number
  /** Requests that were refused, or not answered. */
  readonly failures: readonly string[]
  /** What was created and never notified. */
  readonly missing: number
  /** Milliseconds, sorted. */
  readonly latenciesMs: readonly number[]
}

export class HonestApplication {
  readonly #client: OneM2MClient
  readonly #notified = new Set<string>()
  #created: string[] = []
  #failures: string[] = []
  #latenciesMs: number[] = []
  #count = 0

  private constructor(client: OneM2MClient) {
    this.#client = client
  }

  static async start(url: string, originator: string): Promise<HonestApplication> {
    const client = connect(url, { originator, timeoutMs: 30_000 })
    const application = new HonestApplication(client)
    const pointOfAccess = await client.onNotification(({ content }) => {
      const [instance] = Object.values(content) as readonly JsonObject[]
      application.#notified.add(String(instance?.['con']))
    })
    const registration = { rn: 'honest', api: 'N.honest', rr: true, srv: ['3'], poa: [pointOfAccess] }
    await client.create('onem2m', 2, { 'm2m:ae': registration })
    await client.create('onem2m/honest', 3, { 'm2m:cnt': { rn: 'meter', mni: 1000 } })
    const subscription = { rn: 'own', nu: [originator], enc: { net: [3] }, nct: 1 }
    await client.create('onem2m/honest/meter', 23, { 'm2m:sub': subscription })
    return application
  }

  /** Works until the time is over, a request every `periodMs`, and tells what it was like. */
  async work(durationMs: number, periodMs: number): Promise<Experience> {
    this.#created = []
    this.#failures = []
    this.#latenciesMs = []
    const under = new Set<Promise<void>>()
    const endMs = performance.now() + durationMs
    while (performance.now() < endMs) {
      const request = this.#request().finally(() => under.delete(request))
      under.add(request)
      await new Promise((resolve) => setTimeout(resolve, periodMs))
    }
    await Promise.all(under)
    const isThere = () => this.#created.every((content) => this.#notified.has(content))
    for (let tries = 0; tries < 100 && !isThere(); tries++) await new Promise((resolve) => setTimeout(resolve, 100))
    const missing = this.#created.filter((content) => !this.#notified.has(content)).length
    for (const content of this.#created) this.#notified.delete(content)
    return {
      requests: this.#latenciesMs.length + this.#failures.length,
      failures: this.#failures,
      missing,
      latenciesMs: this.#latenciesMs.toSorted((left, right) => left - right),
    }
  }

  async #request(): Promise<void> {
    const count = ++this.#count
    const beganMs = performance.now()
    try {
      if (count % 2 === 0) await this.#client.retrieve('onem2m/honest')
      else {
        await this.#client.create('onem2m/honest/meter', 4, { 'm2m:cin': { con: `value ${count}` } })
        this.#created.push(`value ${count}`)
      }
      this.#latenciesMs.push(performance.now() - beganMs)
    } catch (error) {
      this.#failures.push(error instanceof Error ? error.message : String(error))
    }
  }

  async stop(): Promise<void> {
    await this.#client.close()
  }
}
