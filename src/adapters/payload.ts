/** What devices send as text, as values: plain words, JSON and its members, SenML (RFC 8428) and the form of it that OpenMTC's adapters use. */

import type { Point, Reading, Value } from './point.ts'

export const codecs = ['json', 'number', 'string', 'boolean', 'csv', 'senml'] as const

export type Codec = (typeof codecs)[number]

/** Members of an object become points below the path; how deep, and how many of one message. */
const maxDepth = 5
const maxMembers = 200
const maxPayloadBytes = 262_144

/** The JSON of a payload. Throws an Error that says what is wrong. */
export function parseJson(payload: Buffer | string): unknown {
  if (payload.length > maxPayloadBytes)
    throw new Error(`a payload of ${payload.length} bytes is more than ${maxPayloadBytes}`)
  const text = payload.toString()
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`expected JSON, got ${JSON.stringify(text.slice(0, 40))}`)
  }
}

/** A member by its JSON pointer (RFC 6901); undefined when there is none. */
export function selectMember(json: unknown, pointer: string): unknown {
  let at = json
  for (const escaped of pointer.split('/').slice(1)) {
    const key = escaped.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Readonly<Record<string, unknown>>)[key]
  }
  return at
}

/** The values in an object by their place in it: `{"a": {"b": 1}}` is `a/b`. Null is no value. */
export function leavesOf(json: unknown): readonly (readonly [path: string, value: Value])[] {
  const leaves: (readonly [string, Value])[] = []
  const visit = (path: string, value: unknown, depth: number): void => {
    if (leaves.length >= maxMembers || value === null || value === undefined) return
    if (typeof value === 'object') {
      if (depth < maxDepth)
        for (const [key, inner] of Object.entries(value)) visit(path === '' ? key : `${path}/${key}`, inner, depth + 1)
    } else leaves.push([path, value as Value])
  }
  visit('', json, 0)
  return leaves
}

/** The readings of a payload: one for the point, or one for each member of an object. Throws an Error that says what is wrong. */
export function readPayload(payload: Buffer, codec: Codec, point: Point, select?: string): readonly Reading[] {
  const text = payload.toString('utf8').trim()
  switch (codec) {
    case 'json': {
      const selected = select === undefined ? parseJson(payload) : selectMember(parseJson(payload), select)
      if (selected === undefined) throw new Error(`there is no ${select} in ${JSON.stringify(text.slice(0, 60))}`)
      return leavesOf(selected).map(([path, value]) => ({ point: below(point, path), value }))
    }
    case 'number': {
      const value = text === '' ? Number.NaN : Number(text)
      if (Number.isNaN(value)) throw new Error(`expected a number, got ${JSON.stringify(text.slice(0, 40))}`)
      return [{ point, value }]
    }
    case 'boolean': {
      const value = readBoolean(text)
      if (value === undefined) throw new Error(`expected true or false, got ${JSON.stringify(text.slice(0, 40))}`)
      return [{ point, value }]
    }
    case 'string':
      return [{ point, value: text.slice(0, 1024) }]
    case 'csv':
      return text
        .split(/[,;\t]/)
        .map((cell, index) => ({ point: below(point, `${index + 1}`), value: numberOrText(cell.trim()) }))
    case 'senml':
      return readSenml(parseJson(payload), point)
  }
}

/** A number where the text is one. */
export function numberOrText(text: string): Value {
  const value = text === '' ? Number.NaN : Number(text)
  return Number.isNaN(value) ? text : value
}

export function readBoolean(text: string): boolean | undefined {
  if (/^(?:true|on|1|yes|online|open)$/i.test(text)) return true
  return /^(?:false|off|0|no|offline|closed?)$/i.test(text) ? false : undefined
}

/**
 * SenML, or a contentInstance as OpenMTC's mqttConnector takes it: its content is SenML, in base64 more often than not. Such points bear the
 * label by which OpenMTC's applications look for sensors.
 */
function readSenml(json: unknown, point: Point): readonly Reading[] {
  const content = selectMember(json, '/m2m:cin/con') ?? json
  const pack = typeof content === 'string' ? parseJson(decodeContent(content)) : content
  if (!Array.isArray(pack)) throw new Error('expected a SenML list')
  const labels = ['openmtc:sensor_data']
  let base: Readonly<Record<string, unknown>> = {}
  const readings: Reading[] = []
  for (const record of pack.slice(0, maxMembers) as readonly unknown[]) {
    if (typeof record !== 'object' || record === null) continue
    base = { ...base, ...record }
    const { n = '', u, v, vs, vb } = record as Readonly<Record<string, unknown>>
    const value = [v, vs, vb].find((each) => ['number', 'string', 'boolean'].includes(typeof each)) as Value | undefined
    if (value === undefined) continue
    const unit = typeof u === 'string' ? u : typeof base['bu'] === 'string' ? base['bu'] : undefined
    const name = typeof n === 'string' ? n : ''
    readings.push({ point: { ...below(point, name), ...(unit === undefined ? {} : { unit }), labels }, value })
  }
  return readings
}

function decodeContent(content: string): string {
  return /^\s*[[{]/.test(content) ? content : Buffer.from(content, 'base64').toString('utf8')
}

function below(point: Point, path: string): Point {
  return path === '' ? point : { ...point, path: `${point.path}/${path}` }
}
