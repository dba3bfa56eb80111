/**
 * How an instance lies on the disk. What its key and its container say already (identifier, parent, type, the name that it was given) is
 * left out, so that a small value is mostly itself on the disk, and is put back when it is shown.
 */

import type { Json } from '../onem2m/content.ts'
import { parseTimestamp } from '../onem2m/timestamp.ts'
import type { Attributes, ResourceType } from '../resources/resource-type.ts'

/** What the CSE says of a new instance. */
export interface InstanceFacts {
  /** Undefined when the instance has the name that follows from its sequence number. */
  readonly chosenName: string | undefined
  readonly creationTime: string
  readonly expirationTime: string
  readonly stateTag: number | undefined
}

/** What a record leaves out. */
export interface Completion {
  readonly resourceType: number
  readonly resourceIdentifier: string
  readonly parentIdentifier: string
  readonly defaultName: string
}

/** These stand first, in this order: rn, ct, et, cs, st. Nothing an originator can fill with objects comes before them. */
const leading: ReadonlySet<string> = new Set(['resourceName', 'expirationTime', 'contentSize'])

/** The JSON text of a record. */
export function encodeRecord(type: ResourceType, attributes: Attributes, facts: InstanceFacts): string {
  const { chosenName, creationTime, expirationTime, stateTag } = facts
  const wire: Record<string, Json> = {}
  if (chosenName !== undefined) wire['rn'] = chosenName
  wire['ct'] = creationTime
  wire['et'] = expirationTime
  if (attributes['contentSize'] !== undefined) wire['cs'] = attributes['contentSize'] as number
  if (stateTag !== undefined) wire['st'] = stateTag
  for (const name in attributes) {
    const definition = type.table.get(name)
    const value = attributes[name]
    if (definition === undefined || value === undefined || leading.has(name)) continue
    wire[definition.short] = definition.type.encode === undefined ? (value as Json) : definition.type.encode(value)
  }
  return JSON.stringify(wire)
}

/** All attributes as JSON text in wire form. An instance is never modified: lastModifiedTime is its creationTime. */
export function completeRecord(record: string, completion: Completion): string {
  const { resourceType, resourceIdentifier, parentIdentifier, defaultName } = completion
  const name = hasChosenName(record) ? '' : `"rn":"${defaultName}",`
  const modified = valueAfter(record, '"ct":"')
  return (
    `{${name}"ty":${resourceType},"ri":"${resourceIdentifier}","pi":"${parentIdentifier}","lt":"${modified}",` +
    record.slice(1)
  )
}

/** The name that its originator chose; undefined for others. */
export function chosenNameIn(record: string): string | undefined {
  return hasChosenName(record) ? valueAfter(record, '"rn":"') : undefined
}

export function sizeIn(record: string): number {
  return Number(/"cs":(\d+)/.exec(record)?.[1] ?? 0)
}

/** Undefined when there are none. */
export function labelsIn(record: string): readonly string[] | undefined {
  return record.includes('"lbl":[') ? (JSON.parse(record) as { readonly lbl?: readonly string[] }).lbl : undefined
}

/** Milliseconds since 1970. */
export function expiryIn(record: string): number {
  return parseTimestamp(valueAfter(record, '"et":"')) ?? Number.POSITIVE_INFINITY
}

export function creationIn(record: string): number {
  return parseTimestamp(valueAfter(record, '"ct":"')) ?? Number.POSITIVE_INFINITY
}

function hasChosenName(record: string): boolean {
  return record.startsWith('{"rn":"')
}

/** Of the attributes that stand first; neither names nor times have characters that JSON escapes. */
function valueAfter(record: string, opening: string): string {
  const start = record.indexOf(opening) + opening.length
  return record.slice(start, record.indexOf('"', start))
}
