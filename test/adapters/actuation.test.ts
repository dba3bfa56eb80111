import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Actuator, Value } from '../../src/adapters/adapter.ts'
import type { OneM2MClient } from '../../src/client/client.ts'
import { calm, entryOf, everySecond, Gateway } from './fixture.ts'

/** A relay that is told something, and confirms when a test says so. */
class Relay {
  readonly told: Value[] = []
  answer: () => Promise<Value | undefined> = async () => undefined

  actuator(form?: 'flexContainer'): Actuator {
    return {
      point: { path: 'relay', quantity: 'switch', form },
      timeoutMs: 2000,
      write: (value) => {
        this.told.push(value)
        return this.answer()
      },
    }
  }
}

async function barn(form?: 'flexContainer', settings: Readonly<Record<string, unknown>> = { commanders: ['C*'] }) {
  const gateway = await new Gateway().start()
  const relay = new Relay()
  await gateway.host([entryOf('barn', ({ actuate }) => actuate(relay.actuator(form)))], settings)
  const panel = await gateway.register('panel')
  const states = async () => (await gateway.contents('barn/relay/command')).map((text) => JSON.parse(String(text)))
  return { gateway, relay, panel, states }
}

async function command(panel: OneM2MClient, content: string): Promise<void> {
  await panel.create('onem2m/barn/relay/commands', 4, { 'm2m:cin': { con: content } })
  await calm()
}

async function set(panel: OneM2MClient, state: boolean): Promise<void> {
  await panel.update('onem2m/barn/relay', { 'cod:binSh': { state } })
  await calm()
}

describe('a command', () => {
  it('that an AE writes to the container of commands reaches the device, and is confirmed', async () => {
    const { gateway, relay, panel, states } = await barn()
    await command(panel, 'true')
    await command(panel, '{"value":false}')
    await command(panel, 'open')
    assert.deepEqual(relay.told, [true, false, 'open'])
    assert.deepEqual((await states()).slice(0, 2), [
      { state: 'pending', value: true },
      { state: 'confirmed', value: true },
    ])
    assert.deepEqual(await gateway.contents('barn/relay'), ['true', 'false', 'open'])
    assert.deepEqual(gateway.warnings, [])
  })

  it('that the device does not confirm in time has failed, and so has one that it refuses', async () => {
    const { gateway, relay, panel, states } = await barn()
    relay.answer = () => new Promise(() => {})
    await command(panel, 'true')
    await gateway.clock.pass(2000)
    relay.answer = () => Promise.reject(new Error('the line is gone'))
    await command(panel, 'false')
    assert.deepEqual(
      (await states()).filter(({ state }) => state !== 'pending'),
      [
        { state: 'failed', value: true, reason: 'not confirmed within 2000 ms' },
        { state: 'failed', value: false, reason: 'the line is gone' },
      ],
    )
    assert.equal(await gateway.latest('barn/relay'), undefined)
  })

  it('waits while the device is busy; a later one takes its place', async () => {
    const { gateway, relay, panel, states } = await barn()
    relay.answer = () => new Promise((resolve) => gateway.clock.after(1000, () => resolve(undefined)))
    for (const value of ['1', '2', '3']) await command(panel, value)
    await gateway.clock.pass(5000)
    assert.deepEqual(relay.told, [1, 3])
    assert.deepEqual(
      (await states()).find(({ state }) => state === 'failed'),
      { state: 'failed', value: 2, reason: 'a later command took its place' },
    )
  })

  it('is an update of a flexContainer, whose own changes are no commands', async () => {
    const { gateway, relay, panel } = await barn('flexContainer')
    await set(panel, true)
    await set(panel, false)
    assert.deepEqual(relay.told, [true, false])
    assert.equal((await gateway.attributes('barn/relay'))?.['state'], false)
    relay.answer = () => Promise.reject(new Error('stuck'))
    await set(panel, true)
    assert.deepEqual(relay.told, [true, false, true])
    assert.equal((await gateway.attributes('barn/relay'))?.['state'], false, 'what the device has, again')
  })

  it('from somebody who is not among the commanders is refused by the CSE', async () => {
    const { relay, panel } = await barn(undefined, { commanders: ['Cother'] })
    await assert.rejects(command(panel, 'true'), /4103/)
    assert.deepEqual(relay.told, [])
  })

  it('is taken again when somebody had deleted the adapter from the tree', async () => {
    const gateway = await new Gateway().start()
    const relay = new Relay()
    const adapter = entryOf('barn', (context) => {
      context.actuate(relay.actuator())
      everySecond('light', () => 7)(context)
    })
    await gateway.host([adapter], { commanders: ['C*'] })
    await gateway.clientFor('Cbarn').delete('onem2m/barn')
    await gateway.clock.pass(1000)
    await command(await gateway.register('panel'), 'true')
    assert.deepEqual(relay.told, [true])
    assert.deepEqual(gateway.warnings, [])
  })
})
