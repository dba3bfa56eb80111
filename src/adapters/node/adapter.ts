/** The gateway in its own tree: a node below the CSEBase whose mgmtObjs say what this machine is, and set off what is configured. */

import type { JsonObject } from '../../onem2m/content.ts'
import type { Adapter, AdapterContext, GatewayView } from '../adapter.ts'
import { Branch } from '../branch.ts'
import { subscription } from '../content.ts'
import { MachineFiles } from '../machine-file.ts'
import { parseMemory } from '../system/proc.ts'
import { act, triggerOf } from './action.ts'
import { type Inventory, mergeInventory, readInventory } from './inventory.ts'
import * as object from './management-object.ts'
import type { NodeSettings } from './setting-table.ts'

/** Devices of one network that are described one by one. */
const maxDevices = 200
/** What is available changes all the time; it is written when it did by this share of the whole. */
const memoryStep = 0.05
const inventoryDelayMs = 5000
const byAddress = { desiredIdentifierResultType: 1 } as const

export const node: Adapter<NodeSettings> = {
  async probe() {
    return []
  },

  async start(context) {
    if (context.gateway === undefined) throw new Error('there is no gateway here: run it')
    await new NodeDescription(context, context.gateway).start()
  },
}

class NodeDescription {
  readonly #context: AdapterContext<NodeSettings>
  readonly #gateway: GatewayView
  readonly #files: MachineFiles
  readonly #branch: Branch
  /** What was written of each mgmtObj, so that only changes are. */
  readonly #written = new Map<string, string>()
  #inventory: Inventory | undefined
  #availableBytes = 0
  /** mgmtObjs that there were at the start; undefined until it has been looked. */
  #left: readonly string[] | undefined
  /** One look at a time: the survey asks for one of its own. */
  #looking: Promise<void> = Promise.resolve()

  constructor(context: AdapterContext<NodeSettings>, gateway: GatewayView) {
    const { settings, clock, cseBaseName } = context
    this.#context = context
    this.#gateway = gateway
    this.#files = new MachineFiles(settings.root)
    this.#branch = new Branch({
      root: (name) => object.nodeBody(name, this.#identifier(), gateway.cseId),
      rootAddress: `${cseBaseName}/${settings.resource}`,
      client: gateway.client,
      clock,
      onReview: () => this.#written.clear(),
    })
  }

  async start(): Promise<void> {
    const { settings, sample, report, clock, signal } = this.#context
    this.#inventory = await readInventory(this.#files)
    sample({
      name: 'node',
      periodMs: settings.periodMs,
      timeoutMs: 20_000,
      read: async () => {
        await this.#describe()
        report('description')
        return []
      },
    })
    for (const name of ['reboot', 'firmware', 'software'] as const) await this.#watch(name)
    if (!settings.inventory || this.#gateway.survey === undefined) return
    const { survey } = this.#gateway
    const timer = clock.after(inventoryDelayMs, () => {
      survey(signal)
        .then(async (found) => {
          if (this.#inventory !== undefined) this.#inventory = mergeInventory(this.#inventory, found)
          await this.#describe()
        })
        .catch((error: Error) => {
          if (!signal.aborted)
            this.#context.log.info('the inventory of this machine is what its files say', { reason: error.message })
        })
    })
    signal.addEventListener('abort', () => timer.cancel(), { once: true })
  }

  #identifier(): string {
    const { serial, hostName } = this.#inventory ?? { serial: 'unknown', hostName: 'unknown' }
    return serial !== 'unknown' ? serial : hostName !== 'unknown' ? hostName : this.#gateway.cseId
  }

  #describe(): Promise<void> {
    const look = this.#looking.then(() => this.#look())
    this.#looking = look.catch(() => {})
    return look
  }

  /** Writes what is not written yet, and what has changed. */
  async #look(): Promise<void> {
    const inventory = this.#inventory
    if (inventory === undefined) return
    const { version, recentLog } = this.#gateway
    const [memory, batteries, capabilities] = await Promise.all([
      this.#memory(),
      this.#batteries(),
      this.#capabilities(),
    ])
    const objects = [
      object.deviceInfo(inventory, version),
      object.firmware(inventory),
      object.software(version),
      object.reboot(),
      object.eventLog(recentLog()),
      ...memory,
      ...batteries,
      ...capabilities,
      ...this.#networks(),
    ]
    await Promise.all(objects.map((each) => this.#write(each)))
    await this.#removeOthers(new Set(objects.map(({ name }) => name)))
  }

  /** Devices that are gone, and what an earlier run has left of them. */
  async #removeOthers(wanted: ReadonlySet<string>): Promise<void> {
    this.#left ??= await this.#discover()
    for (const name of [...this.#left, ...this.#written.keys()]) {
      if (wanted.has(name)) continue
      await this.#branch.remove(name)
      this.#written.delete(name)
    }
    this.#left = []
  }

  async #discover(): Promise<readonly string[]> {
    const found = await this.#gateway.client.discover(this.#branch.address(''), { resourceType: [13] }, byAddress)
    return found.map((address) => address.slice(address.lastIndexOf('/') + 1))
  }

  async #write(wanted: object.ManagementObject): Promise<void> {
    const { name, memberName, attributes } = wanted
    const content = JSON.stringify(attributes)
    if (this.#written.get(name) === content) return
    await this.#branch.set(name, () => object.bodyOf(wanted), { [memberName]: attributes })
    this.#written.set(name, content)
  }

  async #memory(): Promise<readonly object.ManagementObject[]> {
    const memory = await this.#files.read('proc/meminfo', parseMemory)
    if (memory === undefined) return []
    const { availableBytes, totalBytes } = memory
    if (Math.abs(availableBytes - this.#availableBytes) > totalBytes * memoryStep) this.#availableBytes = availableBytes
    return [object.memory(this.#availableBytes, totalBytes)]
  }

  async #batteries(): Promise<readonly object.ManagementObject[]> {
    const root = 'sys/class/power_supply'
    const found = (await this.#files.list(root)).map(async (name) => {
      const level = Number((await this.#files.text(`${root}/${name}/capacity`).catch(() => undefined)) ?? Number.NaN)
      const status = (await this.#files.text(`${root}/${name}/status`).catch(() => undefined))?.trim() ?? ''
      return Number.isNaN(level) ? [] : [object.battery(object.resourceName(name), level, status)]
    })
    return (await Promise.all(found)).flat()
  }

  /** Buses that sensors can be connected to. */
  async #capabilities(): Promise<readonly object.ManagementObject[]> {
    const names = [...(await this.#files.list('sys/class/gpio')), ...(await this.#files.list('sys/bus/w1/devices'))]
    const buses = [
      ...(await this.#files.list('sys/class/i2c-dev')),
      ...(await this.#files.list('sys/bus/gpio/devices')),
    ]
    return [...new Set([...names, ...buses])]
      .filter((name) => /^(?:gpiochip\d+|w1_bus_master\d+|i2c-\d+)$/.test(name))
      .map((name) => object.deviceCapability(name))
  }

  /** A network for each adapter that has devices, and one for the clients of the broker. */
  #networks(): readonly object.ManagementObject[] {
    return this.#gateway.networks().flatMap(({ name, devices }) => {
      const known = devices.slice(0, maxDevices)
      if (known.length === 0) return []
      const address = this.#branch.address(`network-${name}`)
      const described = known.map(({ device, status }) => object.areaNetworkDevice(name, device, status, address))
      return [
        object.areaNetwork(
          name,
          described.map((each) => this.#branch.address(each.name)),
        ),
        ...described,
      ]
    })
  }

  async #watch(name: 'reboot' | 'firmware' | 'software'): Promise<void> {
    const { inbox, signal } = this.#context
    await this.#describe()
    const path = `${name}/adapter`
    const identifiers = await this.#branch.subscribe(path, (own) => subscription(own, 'update'))
    const end = inbox.listen(identifiers, (changed) => void this.#act(name, changed))
    signal.addEventListener('abort', end, { once: true })
  }

  async #act(name: string, changed: JsonObject): Promise<void> {
    const { settings, signal, report, log } = this.#context
    const trigger = triggerOf(name, changed)
    if (trigger === undefined) return
    const address = this.#branch.address(name)
    log.info('an action of a mgmtObj was asked for', { action: trigger.action })
    try {
      const attributes = Object.values(await this.#gateway.client.retrieve(address))[0] as JsonObject
      const update = async (content: JsonObject) => {
        await this.#gateway.client.update(address, content)
      }
      report(trigger.action, await act(trigger, { settings, signal, attributes, update }))
    } catch (error) {
      report(trigger.action, error instanceof Error ? error.message : String(error))
    }
  }
}
