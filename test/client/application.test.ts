import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Application, type ApplicationOptions } from '../../src/client/application.ts'
import { watchSensors } from '../../src/client/sensor-watch.ts'
import type { Json } from '../../src/onem2m/content.ts'
import { Kit } from '../cse/kit.ts'
import { mqttScene } from './mqtt-scene.ts'

/** A real CSE behind a broker, without ports. */
async function scene() {
  const kit = await Kit.start()
  const { binding, open, connections } = await mqttScene(kit.cse)
  kit.cse.use(binding)
  const application = (name: string, options: Partial<ApplicationOptions> = {}) =>
    new Application({ name, url: 'mqtt://localhost#mn-cse-1', open, random: () => 0, ...options })
  return { kit, application, connections }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('an application', { timeout: 20_000 }, () => {
  it('registers, pushes into containers, reads back, finds by label, and takes all back', async () => {
    const { kit, application } = await scene()
    const app = application('IPE', { originatorPrefix: '//openmtc.org/mn-cse-1', labels: ['demo'] })
    await app.start()
    const devices = await app.createContainer('devices')
    const values = await app.createContainer('values', { labels: ['measurements'] }, devices)
    for (const value of ['text', { value: 21, unit: '°C' }, [1, 2]] satisfies Json[]) {
      await app.pushContent(values, value)
      assert.deepEqual(await app.getContent(values), value)
    }
    assert.equal(await app.getContent(devices), undefined)
    assert.deepEqual(await app.discover({ labels: ['measurements'] }), ['onem2m/IPE/devices/values'])
    await app.stop()
    await app.stop()
    assert.equal((await kit.ask({ operation: 2, to: 'onem2m/IPE' })).status, 4004)
  })

  it('goes on where an earlier run ended', async () => {
    const { application } = await scene()
    const earlier = application('IPE', { staysRegistered: true })
    await earlier.start()
    const values = await earlier.createContainer('values')
    await earlier.pushContent(values, 'kept')
    await earlier.stop()
    const later = application('IPE')
    await later.start()
    assert.equal(await later.getContent(await later.createContainer('values')), 'kept')
    await later.stop()
  })

  it('subscribes beside an application of its name at another CSE', async () => {
    const { kit, application } = await scene()
    const [ipe, gui] = [application('IPE'), application('GUI', { originatorPrefix: '//openmtc.org/mn-cse-1' })]
    await ipe.start()
    await gui.start()
    const values = await ipe.createContainer('values')
    const ofOther = { 'm2m:sub': { rn: 'GUI-3', nu: ['CIPE'], enc: { net: [3] } } }
    assert.equal(
      (await kit.ask({ operation: 1, to: values, originator: 'CIPE', resourceType: 23, content: ofOther })).status,
      2001,
    )
    const heard: Json[] = []
    await gui.subscribeContent(values, (value) => void heard.push(value))
    await ipe.pushContent(values, 1)
    await until(() => heard.length === 1)
    await gui.stop()
    await ipe.stop()
  })

  it("hears what comes into another application's container, after both were lost too", async () => {
    const { kit, application, connections } = await scene()
    const [ipe, gui] = [application('IPE'), application('GUI')]
    await ipe.start()
    await gui.start()
    const values = await ipe.createContainer('values', { labels: ['measurements'] })
    const heard: Json[] = []
    gui.discoverEvery(20, { labels: ['measurements'] }, async (addresses) => {
      for (const address of addresses) await gui.subscribeContent(address, (value) => void heard.push(value))
    })
    const isSubscribed = async () => (await kit.ask({ operation: 2, to: `${values}/GUI-3` })).status === 2000
    while (!(await isSubscribed())) await new Promise((resolve) => setTimeout(resolve, 5))
    await ipe.pushContent(values, 1)
    await until(() => heard.length === 1)

    // The connections: both come back by themselves.
    for (const each of connections) each.destroy()
    await ipe.pushContent(values, 2)
    await until(() => heard.length === 2)

    // The resources: pushing makes the AE and the container again; the other application finds it and subscribes again.
    assert.equal((await kit.ask({ operation: 4, to: 'onem2m/IPE', originator: 'CAdmin' })).status, 2002)
    await ipe.pushContent(values, 3)
    while (!(await isSubscribed())) await new Promise((resolve) => setTimeout(resolve, 5))
    await ipe.pushContent(values, 4)
    await until(() => heard.at(-1) === 4)
    await gui.stop()
    await ipe.stop()
  })

  it('keeps what it has made from expiring, by itself and in time', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 })
    const { kit, application } = await scene()
    const app = application('IPE', { lifetimeSeconds: 15 })
    context.after(() => app.stop())
    await app.start()
    const values = await app.createContainer('values')
    const isRenewed = async (et: string) => {
      const contents = [await kit.ask({ operation: 2, to: 'onem2m/IPE' }), await kit.ask({ operation: 2, to: values })]
      return contents.every(({ content }) => (Object.values(content ?? {})[0] as { et?: string }).et === et)
    }
    assert.ok(await isRenewed('19700101T000015'))
    const settle = async () => {
      for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    for (const et of ['19700101T000020', '19700101T000025']) {
      await settle()
      context.mock.timers.tick(5000)
      await settle()
      assert.ok(await isRenewed(et), et)
    }
  })

  it('follows sensors and actuators by their labels, those that come later too, and leaves out what its filter does', async () => {
    const { application } = await scene()
    const [ipe, gui] = [application('IPE'), application('GUI')]
    await ipe.start()
    await gui.start()
    const device = async (name: string) => ipe.createContainer(name)
    const part = async (parent: string, name: string, label: string) =>
      ipe.createContainer(name, { labels: [label] }, parent)
    const attic = await device('attic')
    const values = await part(attic, 'temperature', 'openmtc:sensor_data')
    await part(attic, 'noise', 'openmtc:sensor_data')
    const [heard, actuators]: [unknown[], unknown[]] = [[], []]
    watchSensors(gui, {
      intervalMs: 5,
      filter: ({ address }) => !address.endsWith('noise'),
      data: (sensor, value) => void heard.push([sensor, value]),
      actuator: (each) => void actuators.push(each),
    })
    const pushUntilHeard = async (address: string, count: number) => {
      while (heard.length < count) {
        await ipe.pushContent(address, count)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    await pushUntilHeard(values, 1)
    assert.deepEqual(heard[0], [{ address: values, device: 'onem2m/IPE/attic' }, 1])
    const cellar = await device('cellar')
    const humidity = await part(cellar, 'humidity', 'openmtc:sensor_data')
    const switched = await part(cellar, 'fan', 'openmtc:actuator_data')
    heard.length = 0
    await pushUntilHeard(humidity, 1)
    assert.deepEqual(heard[0], [{ address: humidity, device: 'onem2m/IPE/cellar' }, 1])
    await until(() => actuators.length > 0)
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.deepEqual(actuators, [{ address: switched, device: 'onem2m/IPE/cellar' }])
    await gui.stop()
    await ipe.stop()
  })

  it('goes on repeating what failed, and stops when it ends', async () => {
    const { application } = await scene()
    const app = application('IPE')
    let calls = 0
    app.every(1, () => {
      calls++
      throw new Error('a bad day')
    })
    await until(() => calls > 2)
    await app.stop()
    const then = calls
    await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal(calls, then)
  })
})
