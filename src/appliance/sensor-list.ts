/** What the adapters of a running gateway say: found in its resource tree, like anybody could. */

import type { OneM2MClient } from '../client/client.ts'
import { OneM2MResponseError } from '../client/transport.ts'
import type { JsonObject } from '../onem2m/content.ts'
import { parseTimestamp } from '../onem2m/timestamp.ts'
import type { Invocation } from './command.ts'
import { printContent, readMember, withClient } from './resource-session.ts'

/** What every instance has; the rest of an instance of a flexContainer is its values. */
const ofInstances = new Set(['rn', 'ty', 'ri', 'pi', 'ct', 'lt', 'et', 'lbl', 'st', 'cs', 'org', 'dgt', 'loc'])

interface AdapterLine {
  readonly adapter: string
  readonly state: string
  readonly reason?: string | undefined
  readonly points: readonly PointLine[]
}

interface PointLine {
  readonly path: string
  readonly value: unknown
  readonly unit?: string | undefined
  /** Since it was stored. */
  readonly ageSeconds?: number | undefined
}

const byAddress = { desiredIdentifierResultType: 1 } as const
/** Of adapters that can be told something: what becomes of commands is no reading. */
const noPoint = /\/(?:commands?|state)$/

export function listSensors(invocation: Invocation): Promise<number> {
  return withClient(invocation, async (client) => {
    const base = readMember(await client.retrieve('-'))[1]['rn']
    const adapters: AdapterLine[] = []
    for (const address of await client.discover(String(base), { resourceType: [2] }, byAddress)) {
      const { lbl, rn } = readMember(await client.retrieve(address))[1]
      if (Array.isArray(lbl) && lbl.some((label) => String(label).startsWith('adapter:')))
        adapters.push(await describeAdapter(client, String(rn), address))
    }
    if (invocation.flags.has('json')) printContent(invocation, adapters)
    else for (const line of writeLines(adapters)) invocation.surroundings.print(line)
  })
}

async function describeAdapter(client: OneM2MClient, adapter: string, address: string): Promise<AdapterLine> {
  const state = parseState((await latestOf(client, `${address}/state`))?.['con'])
  const places = await client.discover(address, { resourceType: [3, 28, 29] }, byAddress)
  const points: PointLine[] = []
  for (const place of places.filter((each) => !noPoint.test(each))) {
    const latest = await latestOf(client, place)
    if (latest !== undefined) points.push(await describePoint(client, place.slice(address.length + 1), place, latest))
  }
  return { adapter, ...state, points }
}

async function describePoint(
  client: OneM2MClient,
  path: string,
  address: string,
  latest: JsonObject,
): Promise<PointLine> {
  const { lbl } = readMember(await client.retrieve(address))[1]
  const labels = Array.isArray(lbl) ? lbl.map(String) : []
  const storedMs = typeof latest['ct'] === 'string' ? parseTimestamp(latest['ct']) : undefined
  return {
    path,
    value: latest['con'] ?? Object.fromEntries(Object.entries(latest).filter(([name]) => !ofInstances.has(name))),
    unit: labels.find((label) => label.startsWith('unit:'))?.slice('unit:'.length),
    ageSeconds: storedMs === undefined ? undefined : Math.max(0, Math.round((Date.now() - storedMs) / 1000)),
  }
}

/** Attributes of the latest instance; undefined when there is none. */
async function latestOf(client: OneM2MClient, address: string): Promise<JsonObject | undefined> {
  try {
    return readMember(await client.retrieve(`${address}/la`))[1]
  } catch (error) {
    if (error instanceof OneM2MResponseError && error.response !== undefined) return undefined
    throw error
  }
}

function parseState(content: unknown): { readonly state: string; readonly reason?: string } {
  try {
    return JSON.parse(String(content)) as { state: string; reason?: string }
  } catch {
    return { state: 'starting' }
  }
}

function writeLines(adapters: readonly AdapterLine[]): readonly string[] {
  if (adapters.length === 0) return ['No adapter has said anything yet. See: fieldgate sensors probe']
  const width = Math.max(...adapters.flatMap(({ points }) => points.map(({ path }) => path.length)), 0)
  return adapters.flatMap(({ adapter, state, reason, points }) => [
    `${adapter}: ${state}${reason === undefined ? '' : `: ${reason}`}`,
    ...points.map(({ path, value, unit = '', ageSeconds }) => {
      const figure = `${typeof value === 'string' ? value : JSON.stringify(value)} ${unit}`.trimEnd()
      return `  ${path.padEnd(width)}  ${figure.padEnd(20)}${ageSeconds === undefined ? '' : `  ${writeAge(ageSeconds)} ago`}`.trimEnd()
    }),
  ])
}

function writeAge(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
