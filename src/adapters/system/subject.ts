/** What is read of a machine, and where it stands in the tree: one function a subject, each remembering what it needs for rates. */

import type { Reading } from '../adapter.ts'
import type { FileSystem, MachineFiles } from '../machine-file.ts'
import {
  type CpuTimes,
  parseCpuTimes,
  parseDiskTraffic,
  parseLoad,
  parseMemory,
  parseTemperature,
  parseTraffic,
  parseUptime,
  type Traffic,
} from './proc.ts'

export interface Machine {
  readonly files: MachineFiles
  /** The file system of the gateway's data. */
  readonly inspectFileSystem: () => Promise<FileSystem>
  readonly nowMs: () => number
}

export interface Subject {
  readonly name: string
  /** Changes slowly, or is of interest as a sum: read at the slow period. */
  readonly isSlow: boolean
  read(): Promise<readonly Reading[]>
}

/** Interfaces that only exist inside this machine; a gateway with containers has dozens that come and go (`br-lan` is none of them). */
const internalInterface = /^(?:lo$|veth|docker|br-[0-9a-f]{12}$|virbr|ifb|dummy|cni|flannel|cali|sit|tunl|ip6tnl)/

export function subjectsOf(machine: Machine): readonly Subject[] {
  return [
    { name: 'load', isSlow: false, read: () => readLoad(machine) },
    { name: 'cpu', isSlow: false, read: cpuReader(machine) },
    { name: 'memory', isSlow: false, read: () => readMemory(machine) },
    { name: 'temperature', isSlow: false, read: () => readTemperature(machine) },
    { name: 'disk', isSlow: true, read: diskReader(machine) },
    { name: 'network', isSlow: true, read: networkReader(machine) },
    { name: 'uptime', isSlow: true, read: () => readUptime(machine) },
  ]
}

async function readLoad({ files }: Machine): Promise<readonly Reading[]> {
  return reading('cpu/load', 'load', '1', 2, await files.read('proc/loadavg', parseLoad))
}

/** The share of the time since the last reading; nothing at first. */
function cpuReader({ files }: Machine): Subject['read'] {
  let before: CpuTimes | undefined
  return async () => {
    const times = await files.read('proc/stat', parseCpuTimes)
    const ticks = times && before ? times.total - before.total : 0
    const busyShare = times && before && ticks > 0 ? (times.busy - before.busy) / ticks : undefined
    before = times
    return reading('cpu/utilisation', 'utilisation', '%', 1, busyShare && Math.min(1, Math.max(0, busyShare)) * 100)
  }
}

async function readMemory({ files }: Machine): Promise<readonly Reading[]> {
  const memory = await files.read('proc/meminfo', parseMemory)
  if (memory === undefined) return []
  const { totalBytes, availableBytes } = memory
  return [
    ...reading('memory/total', 'memory', 'B', 0, totalBytes, { deadband: 0 }),
    ...reading('memory/available', 'memory', 'B', 0, availableBytes),
    ...reading('memory/used', 'memory', '%', 1, (1 - availableBytes / totalBytes) * 100),
  ]
}

/** The hottest zone: on a Pi the one there is, on a PC the processor under load. Zones that can't be read just now are passed over. */
async function readTemperature({ files }: Machine): Promise<readonly Reading[]> {
  const zones = (await files.list('sys/class/thermal')).filter((name) => name.startsWith('thermal_zone'))
  const texts = await Promise.all(
    zones.map((zone) => files.text(`sys/class/thermal/${zone}/temp`).catch(() => undefined)),
  )
  const temperatures = texts
    .map((text) => (text === undefined ? undefined : parseTemperature(text)))
    .filter((temperature) => temperature !== undefined)
  return temperatures.length === 0 ? [] : reading('cpu/temperature', 'temperature', 'Cel', 1, Math.max(...temperatures))
}

function diskReader({ files, inspectFileSystem, nowMs }: Machine): Subject['read'] {
  const rates = new Rates(nowMs)
  return async () => {
    const { freeBytes, usedShare, major, minor } = await inspectFileSystem()
    const statistics = await files.text('proc/diskstats')
    const traffic = statistics === undefined ? undefined : parseDiskTraffic(statistics, major, minor)
    return [
      ...reading('disk/free', 'storage', 'B', 0, freeBytes, { deadband: 1_048_576 }),
      ...reading('disk/used', 'storage', '%', 1, usedShare * 100, { deadband: 0 }),
      ...trafficReadings('disk', ['read', 'written'], traffic, rates),
    ]
  }
}

function networkReader({ files, nowMs }: Machine): Subject['read'] {
  const rates = new Rates(nowMs)
  return async () => {
    const interfaces = (await files.read('proc/net/dev', parseTraffic)) ?? new Map<string, Traffic>()
    return [...interfaces]
      .filter(([name, { inBytes, outBytes }]) => !internalInterface.test(name) && inBytes + outBytes > 0)
      .flatMap(([name, traffic]) => trafficReadings(`network/${name}`, ['received', 'sent'], traffic, rates, name))
  }
}

async function readUptime({ files }: Machine): Promise<readonly Reading[]> {
  return reading('uptime', 'uptime', 's', 0, await files.read('proc/uptime', parseUptime))
}

/** Each counter as its sum since boot, and as a rate from the second reading on. */
function trafficReadings(
  path: string,
  [inName, outName]: readonly [string, string],
  traffic: Traffic | undefined,
  rates: Rates,
  device?: string,
): readonly Reading[] {
  if (traffic === undefined) return []
  const rest = { deadband: 0, ...(device === undefined ? {} : { device }) }
  const both = [
    [`${path}/${inName}`, traffic.inBytes],
    [`${path}/${outName}`, traffic.outBytes],
  ] as const
  return both.flatMap(([name, total]) => [
    ...reading(name, 'traffic', 'B', 0, total, rest),
    ...reading(`${name}-rate`, 'throughput', 'B/s', 0, rates.of(name, total), rest),
  ])
}

function reading(
  path: string,
  quantity: string,
  unit: string,
  digits: number,
  value: number | undefined,
  rest: { readonly deadband?: number; readonly device?: string } = {},
): readonly Reading[] {
  return value === undefined ? [] : [{ point: { path, quantity, unit, digits, ...rest }, value }]
}

/** Counters a second. A counter that went back (a driver loaded again, 32 bits full) gives no rate once. */
class Rates {
  readonly #nowMs: () => number
  readonly #before = new Map<string, { readonly total: number; readonly atMs: number }>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  of(name: string, total: number): number | undefined {
    const atMs = this.#nowMs()
    const before = this.#before.get(name)
    this.#before.set(name, { total, atMs })
    if (before === undefined || total < before.total || atMs <= before.atMs) return undefined
    return ((total - before.total) * 1000) / (atMs - before.atMs)
  }
}
