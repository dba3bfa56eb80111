/**
 * How attributes are written at a shell: `mni=100 lbl=indoor,attic`, or JSON. The tables of the resource types tell whether `100` is a
 * number or a text, so that nobody has to quote.
 */

import { isJsonObject, type Json, type JsonObject } from '../onem2m/content.ts'
import { OneM2MError } from '../onem2m/status.ts'
import { resourceTypes } from '../resources/index.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import { type Surroundings, UsageError } from './command.ts'
import { nearestName } from './nearest-name.ts'

/** `container`, `cnt`, `m2m:cnt` and `3` are the same. */
export function findResourceType(name: string): ResourceType {
  const found = resourceTypes.find((type) => namesOf(type).includes(name))
  if (found) return found
  const near = nearestName(name, resourceTypes.flatMap(namesOf))
  const known = resourceTypes.map((type) => type.name).join(', ')
  throw new UsageError(`no such resource type: ${name}; ${near ? `did you mean ${near}?` : `there are ${known}`}`)
}

function namesOf({ name, memberName, type }: ResourceType): readonly string[] {
  return [name, memberName, memberName.replace(/^m2m:/, ''), String(type)]
}

/** Attributes in wire form from the operands of a command: assignments, one JSON object, or `-` for JSON on standard input. */
export async function readAttributes(
  type: ResourceType,
  words: readonly string[],
  surroundings: Surroundings,
): Promise<JsonObject> {
  const [first = ''] = words
  const json = first === '-' ? await surroundings.readInput() : first.startsWith('{') ? first : undefined
  if (json === undefined) return Object.fromEntries(words.map((word) => readAssignment(type, word)))
  if (words.length > 1) throw new UsageError('give either JSON or NAME=VALUE, not both')
  const value = parseJson(json)
  if (!isJsonObject(value)) throw new UsageError(`got ${json.trim().slice(0, 40)}, expected a JSON object`)
  const inner = value[type.memberName]
  return inner !== undefined && isJsonObject(inner) ? inner : value
}

function readAssignment(type: ResourceType, word: string): readonly [name: string, value: Json] {
  const [, name, text] = /^([^=]+)=(.*)$/s.exec(word) ?? []
  if (name === undefined || text === undefined)
    throw new UsageError(`got ${word}, expected NAME=VALUE such as lbl=indoor`)
  const longName = type.table.has(name) ? name : type.byShortName.get(name)
  const definition = longName === undefined ? undefined : type.table.get(longName)
  if (!definition) {
    const near = nearestName(name, [...type.table.keys(), ...type.byShortName.keys()])
    throw new UsageError(`a ${type.name} has no attribute ${name}${near ? `; did you mean ${near}?` : ''}`)
  }
  if (text === '') return [definition.short, null]
  let refusal = ''
  for (const candidate of candidates(text, definition.type.isList === true)) {
    try {
      definition.type.decode(candidate, definition.short)
      return [definition.short, candidate]
    } catch (error) {
      if (!(error instanceof OneM2MError)) throw error
      refusal = error.message
    }
  }
  throw new UsageError(refusal)
}

/** What a text could stand for; the first that the attribute's type accepts is meant. */
function candidates(text: string, isList: boolean): readonly Json[] {
  const json = tryJson(text)
  const list = isList ? [text.split(',').map((entry) => tryJson(entry) ?? entry), text.split(',')] : []
  return [...(json === undefined || json === null ? [] : [json]), ...list, text]
}

function tryJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    // Not JSON: then it is a text as it stands.
    return undefined
  }
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw new UsageError(`not JSON: ${error instanceof Error ? error.message : text}`)
  }
}
