import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Delivery } from '../../src/cse/handler.ts'
import { OneM2MError, Status } from '../../src/onem2m/status.ts'
import { StoreError } from '../../src/store/store.ts'
import { Kit, settings } from './kit.ts'
import '../property.ts'

/** Values that are pushed together, and what happens around them. */
const round = fc.record({
  pushes: fc.nat(12),
  isAway: fc.boolean(),
  outcome: fc.constantFrom('stored', 'stored', 'stored', 'lost'),
  ending: fc.constantFrom('nothing', 'nothing', 'wait', 'restart', 'kill'),
})

const subscriptions = {
  plain: { nu: ['http://127.0.0.1:9/plain'], pn: 2 },
  batch: { nu: ['http://127.0.0.1:9/batch'], pn: 2, bn: { num: 3, dur: 'PT30S' } },
  limited: { nu: ['http://127.0.0.1:9/limited'], pn: 2, rl: { mnn: 2, tww: 'PT1S' } },
  counted: { nu: ['http://127.0.0.1:9/counted'], nse: true },
}

/** Little room in memory, so that most of what is kept is on the disk alone. */
const options = { settings: { notification: { ...settings.notification, maxQueued: 4, maxInFlight: 2 } } }

class History {
  kit: Kit
  isAway = false
  /** What arrived for each subscription, in order, without repetitions. */
  readonly arrived = new Map<string, string[]>()
  readonly acknowledged: string[] = []
  #pushed = 0

  constructor(kit: Kit) {
    this.kit = kit
    kit.answerDelivery = (delivery) => this.#answer(delivery)
  }

  async push(count: number, isLost: boolean): Promise<void> {
    if (isLost && count > 0) {
      // What was delivered is off the disk before, so that it is this group that is lost.
      await this.settle()
      this.kit.store.failNext(new StoreError('io', 'lost'))
    }
    const names = Array.from({ length: count }, () => `v${this.#pushed++}`)
    const answers = await Promise.all(names.map((con) => this.kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con } })))
    for (const [index, { status }] of answers.entries())
      if (status === 2001) this.acknowledged.push(names[index] as string)
  }

  async restart(isKilled: boolean): Promise<void> {
    const { clock, store } = this.kit
    await store.flush()
    const data = new Map(store.data)
    const next = isKilled ? await Kit.start({ ...options, clock, data }) : await this.kit.restart()
    // Nothing that the one before still does counts any more.
    this.kit.answerDelivery = () => 2000
    this.kit = next
    next.answerDelivery = (delivery) => this.#answer(delivery)
    for (const delivery of next.deliveries) this.#note(delivery)
  }

  async settle(): Promise<void> {
    await this.kit.notifications()
    await this.kit.store.flush()
  }

  async wait(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 30) {
      this.kit.clock.advance(30_000)
      await this.settle()
    }
  }

  #answer(delivery: Delivery): number {
    if (this.isAway) throw new OneM2MError(Status.TARGET_NOT_REACHABLE, 'nobody there')
    this.#note(delivery)
    return 2000
  }

  #note({ pointOfAccess, request }: Delivery): void {
    const name = pointOfAccess.slice(pointOfAccess.lastIndexOf('/') + 1)
    const seen = this.arrived.get(name) ?? []
    this.arrived.set(name, seen)
    for (const [, con = ''] of JSON.stringify(request.content).matchAll(/"con":"(\w+)"/g))
      if (!seen.includes(con)) seen.push(con)
  }
}

test('whatever happens in between, what was acknowledged is told to those who asked for all that is pending, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { maxLength: 6 }), async (rounds) => {
      const history = new History(await (await Kit.start(options)).withContainer())
      for (const [rn, attributes] of Object.entries(subscriptions)) {
        const content = { 'm2m:sub': { rn, enc: { net: [3], chty: [4] }, ...attributes } }
        assert.equal((await history.kit.create('onem2m/app/temp', 23, content)).status, 2001)
      }
      for (const { pushes, isAway, outcome, ending } of rounds) {
        history.isAway = isAway
        await history.push(pushes, outcome === 'lost')
        if (ending === 'wait') await history.wait(60)
        if (ending === 'restart' || ending === 'kill') await history.restart(ending === 'kill')
      }
      history.isAway = false
      await history.wait(900)
      for (const name of ['plain', 'batch', 'limited'])
        assert.deepEqual((history.arrived.get(name) ?? []).toSorted(byNumber), history.acknowledged, name)
      const left = [...history.kit.store.data.keys()].filter((key) => key.startsWith('q/'))
      assert.deepEqual(left, [])
      assert.equal(history.kit.cse.notifications.keptBytes, 0)
      const { content } = await history.kit.retrieve('onem2m/app/temp/counted')
      const [, counted = '0'] = /"noec":(\d+)/.exec(JSON.stringify(content)) ?? []
      assert.equal(Number(counted), history.acknowledged.length)
    }),
    { numRuns: 40 },
  )
})

function byNumber(left: string, right: string): number {
  return Number(left.slice(1)) - Number(right.slice(1))
}
