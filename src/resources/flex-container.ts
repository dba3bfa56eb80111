/**
 * flexContainer and flexContainerInstance (TS-0001 9.6.35 and 9.6.57, TS-0004 7.4.37): one type each, a specialization for every definition in
 * `module-class.ts`, `device-model.ts` and `generic-interworking.ts`. A definition is data: its attributes become a table like that of any other type.
 */

import {
  type AttributeType,
  absoluteOrRelativeTimestamp,
  anyJson,
  boolean,
  float,
  identifier,
  integer,
  listOf,
  nonNegativeInteger,
  refused,
  text,
  timestamp,
} from '../onem2m/attribute-type.ts'
import { isJsonObject, type Json, type JsonObject } from '../onem2m/content.ts'
import { OneM2MError, type ResponseStatusCode, Status } from '../onem2m/status.ts'
import type { Behaviour, ResourceView } from './behaviour.ts'
import { type CommonAttributeName, protectedAndAnnounced } from './common-attribute.ts'
import { deviceModels, deviceProperties } from './device-model.ts'
import { genericInterworking } from './generic-interworking.ts'
import { moduleClasses } from './module-class.ts'
import {
  type AttributeDefinition,
  attribute,
  defineResourceType,
  encodeAttributes,
  type ResourceType,
} from './resource-type.ts'

const valueTypes: Readonly<Record<string, AttributeType<unknown>>> = {
  float,
  integer,
  boolean,
  text,
  timestamp,
  moment: absoluteOrRelativeTimestamp,
  enumeration: nonNegativeInteger,
  list: listOf(anyJson),
}

const common: readonly CommonAttributeName[] = [
  ...protectedAndAnnounced,
  'creator',
  'location',
  'stateTag',
  'contentSize',
]

/** A line of a definition as a row of an attribute table: `currentTemperature! curT0 float`. */
function rowOf(line: string, isInstance: boolean): readonly [string, AttributeDefinition] {
  const [name = '', short = '', kind = ''] = line.split(' ')
  const type = valueTypes[kind]
  if (type === undefined) throw new Error(`attribute ${line}: no kind of value is called ${kind}`)
  const isMandatory = name.endsWith('!')
  const row = isInstance
    ? attribute(short, type, 'NP', 'NP', 'OA')
    : attribute(short, type, isMandatory ? 'M' : 'O', 'O', 'OA')
  return [name.replace('!', ''), row]
}

interface Definition {
  readonly name: string
  readonly memberName: string
  /** Absent where others define what it is a definition of. */
  readonly containerDefinition?: string
  readonly attributes: readonly string[]
}

const definitions: readonly Definition[] = [
  ...moduleClasses.map(({ name, shortName, attributes }) => ({
    name,
    memberName: `cod:${shortName}`,
    containerDefinition: `org.onem2m.common.moduleclass.${name}`,
    // Every module may say when its values were measured.
    attributes: ['dataGenerationTime dgt moment', ...attributes],
  })),
  ...deviceModels.map(({ name, shortName }) => ({
    name,
    memberName: `cod:${shortName}`,
    containerDefinition: `org.onem2m.common.device.${name}`,
    attributes: deviceProperties,
  })),
  ...genericInterworking.map(({ name, shortName, attributes }) => ({
    name,
    memberName: `m2m:${shortName}`,
    attributes,
  })),
]

function isDefined(wire: unknown): boolean {
  return definitions.some(
    ({ containerDefinition }) => containerDefinition !== undefined && containerDefinition === wire,
  )
}

/** Bytes of the values that a definition names: TS-0001 9.6.35, contentSize. */
function sizeOf(names: ReadonlySet<string>, type: ResourceType, value: (name: string) => unknown): number {
  const attributes: Record<string, unknown> = {}
  for (const name of names) attributes[name] = value(name)
  let size = 0
  for (const item of Object.values<Json>(encodeAttributes(type, attributes)))
    size += new TextEncoder().encode(typeof item === 'string' ? item : JSON.stringify(item)).length
  return size
}

/** Whether a flexContainer keeps its states: fcinEnabled, or any limit for instances (Release 3 has only those). */
function keepsInstances(value: (name: string) => unknown): boolean {
  const isEnabled = value('fcinEnabled')
  if (typeof isEnabled === 'boolean') return isEnabled
  return ['maxNrOfInstances', 'maxByteSize', 'maxInstanceAge'].some((name) => value(name) !== undefined)
}

/** Nobody has a schema for a definition that is not known; one that is known has another member name (TS-0004 7.4.37.2.1). */
function unknownSpecialization(content: JsonObject): ResponseStatusCode {
  const { cnd } = Object.values(content).find(isJsonObject) ?? {}
  return cnd === undefined || isDefined(cnd) ? Status.BAD_REQUEST : Status.SPECIALIZATION_SCHEMA_NOT_FOUND
}

function specialize({ name, memberName, attributes, containerDefinition: definition }: Definition): ResourceType {
  const rows = attributes.map((line) => rowOf(line, false))
  const names = new Set(rows.map(([long]) => long))
  const instance = defineResourceType({
    type: 58,
    name: 'flexContainerInstance',
    memberName,
    clause: 'TS-0001 9.6.57',
    common: ['expirationTime', 'labels', 'location', 'contentSize'],
    attributes: {
      originator: attribute('org', identifier, 'NP', 'NP', 'NA'),
      ...Object.fromEntries(attributes.map((line) => rowOf(line, true))),
    },
    parents: [28],
    isInstance: true,
    behaviour: {
      refusesCreate: 'instances of a flexContainer are made by the CSE, with each of its changes',
      refusesUpdate: 'an instance of a flexContainer is never changed',
    },
  })
  const behaviour: Behaviour = {
    beforeCreate({ attributes: asked }) {
      asked['contentSize'] = sizeOf(names, type, (long) => asked[long])
    },
    beforeUpdate({ changes, value }) {
      changes.set('contentSize', sizeOf(names, type, value))
    },
    instanceOf(resource: ResourceView, modified) {
      const value = (long: string) => resource.stored[long]
      if (!keepsInstances(value)) return undefined
      // A new state, or the first one of a resource that keeps its states from now on.
      const isNew = modified === undefined || [...modified].some((long) => names.has(long) || long === 'labels')
      if (!isNew && resource.attributes['currentNrOfInstances'] !== 0) return undefined
      const state: Record<string, unknown> = { contentSize: value('contentSize'), labels: value('labels') }
      for (const long of names) state[long] = value(long)
      return state
    },
    leavesInstances: ({ value }) => !keepsInstances(value),
  }
  const type: ResourceType = defineResourceType({
    type: 28,
    name,
    memberName,
    clause: 'TS-0001 9.6.35',
    common,
    attributes: {
      containerDefinition: attribute(
        'cnd',
        definition === undefined ? identifier : containerDefinition(definition),
        'M',
        'NP',
        'MA',
      ),
      ontologyRef: attribute('or', identifier, 'O', 'O', 'OA'),
      nodeLink: attribute('nl', identifier, 'O', 'O', 'OA'),
      maxNrOfInstances: attribute('mni', nonNegativeInteger, 'O', 'O', 'OA'),
      maxByteSize: attribute('mbs', nonNegativeInteger, 'O', 'O', 'OA'),
      maxInstanceAge: attribute('mia', nonNegativeInteger, 'O', 'O', 'OA'),
      fcinEnabled: attribute('fcied', boolean, 'O', 'O', 'OA'),
      currentNrOfInstances: attribute('cni', nonNegativeInteger, 'NP', 'NP', 'NA', true),
      currentByteSize: attribute('cbs', nonNegativeInteger, 'NP', 'NP', 'NA', true),
      ...Object.fromEntries(rows),
    },
    parents: [2, 3, 5, 14, 16, 28],
    virtualChildren: ['la', 'ol'],
    isSpecialized: true,
    unknownSpecialization,
    instanceDefinition: instance,
    behaviour,
  })
  return type
}

/** A definition that nobody knows is another mistake than one that is not the member's. */
function containerDefinition(definition: string): AttributeType<string> {
  return {
    name: definition,
    decode(wire, where) {
      if (wire === definition) return definition
      const refusal = refused(where, wire, definition)
      if (typeof wire === 'string' && !isDefined(wire))
        throw new OneM2MError(Status.SPECIALIZATION_SCHEMA_NOT_FOUND, refusal.message)
      throw refusal
    },
  }
}

export const flexContainers: readonly ResourceType[] = definitions.map(specialize)

/** One for all, so that it is among the types that this CSE has. */
export const flexContainerInstance = flexContainers[0]?.instanceDefinition as ResourceType
