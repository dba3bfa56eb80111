/**
 * Announced variants (TS-0001 9.6.26, TS-0004 7.4.26): what a resource of another CSE shows of itself here. Each follows from the table of its
 * original, by the column that says what is announced.
 */

import { identifier, refused } from '../onem2m/attribute-type.ts'
import type { Behaviour } from './behaviour.ts'
import { commonAttributes, universalAttributes } from './common-attribute.ts'
import { sizeOf } from './content-instance.ts'
import { type AttributeDefinition, attribute, defineResourceType, type ResourceType } from './resource-type.ts'

/** What its number is more than that of its original. */
export const announcedOffset = 10_000

const aeType = 2
const cseBaseType = 5
const remoteCseType = 16
const subscriptionType = 23
const cseBaseAnnouncedType = cseBaseType + announcedOffset

/** Whether resources of a type can be announced: a CSEBase is, once something below it is. */
function isAnnounceable(type: ResourceType): boolean {
  return type.table.has('announceTo') || type.type === cseBaseType
}

/** The announced variants of those of these types that have one. */
export function announcedVariants(originals: readonly ResourceType[]): readonly ResourceType[] {
  const announceable = originals.filter(isAnnounceable)
  const numbers = new Set(announceable.map(({ type }) => type))
  const variants = new Map<ResourceType, ResourceType>()
  const variantOf = (original: ResourceType): ResourceType => {
    const known = variants.get(original)
    if (known !== undefined) return known
    const { instanceDefinition: instances } = original
    const variant = defineVariant(original, {
      parents: original.parents.filter((parent) => numbers.has(parent)).map((parent) => parent + announcedOffset),
      // Others may add to what is announced: TS-0001 9.6.26.1.
      children: originals
        .filter(({ parents, isInstance }) => parents.includes(original.type) && isInstance !== true)
        .map(({ type }) => type),
      ...(instances !== undefined && isAnnounceable(instances) ? { instanceDefinition: variantOf(instances) } : {}),
    })
    variants.set(original, variant)
    return variant
  }
  return announceable.map(variantOf)
}

interface Relations {
  readonly parents: readonly number[]
  readonly children: readonly number[]
  readonly instanceDefinition?: ResourceType
}

function defineVariant(original: ResourceType, { parents, children, ...instances }: Relations): ResourceType {
  const { type, name, memberName, isSpecialized, unknownSpecialization, uniqueAttribute, isInstance } = original
  return defineResourceType({
    type: type + announcedOffset,
    name: `${name}Annc`,
    memberName: `${memberName}A`,
    clause: 'TS-0001 9.6.26',
    common: [],
    attributes: {
      link: attribute('lnk', identifier, 'M', 'O', 'NA', true),
      expirationTime: commonAttributes.expirationTime,
      ...announcedAttributes(original),
    },
    parents:
      type === cseBaseType
        ? [cseBaseType]
        : isInstance === true
          ? parents
          : [...new Set([...parents, cseBaseAnnouncedType, remoteCseType, ...(type === aeType ? [cseBaseType] : [])])],
    children: [...new Set([subscriptionType, ...(isInstance === true ? [] : children)])],
    isAnnounced: true,
    ...(isSpecialized === true ? { isSpecialized } : {}),
    ...(unknownSpecialization === undefined ? {} : { unknownSpecialization }),
    ...(uniqueAttribute === undefined ? {} : { uniqueAttribute }),
    ...(isInstance === true ? { isInstance } : {}),
    ...('instanceDefinition' in instances ? { ...instances, virtualChildren: ['la', 'ol'] } : {}),
    behaviour: isInstance === true ? instanceBehaviour : structureBehaviour,
  })
}

/** What the original announces is optional here: it decides what it shows. */
function announcedAttributes({ table }: ResourceType): Readonly<Record<string, AttributeDefinition>> {
  const announced = [...table].filter(([name, { announce }]) => announce !== 'NA' && !(name in universalAttributes))
  return Object.fromEntries(
    announced.map(([name, row]) => [
      name,
      { ...row, create: 'O', update: 'O', announce: 'NA', isPermanent: false } as const,
    ]),
  )
}

const structureBehaviour: Behaviour = {
  beforeCreate: ({ originator, attributes }) => checkLink(originator, attributes['link'] as string),
  beforeUpdate({ originator, changes }) {
    const link = changes.get('link') as string | undefined
    // An AE of the whole service provider may be registered nowhere for a while: TS-0001 10.2.2.2.
    if (link !== undefined && link !== 'INACTIVE') checkLink(originator, link)
  },
}

const instanceBehaviour: Behaviour = {
  refusesUpdate: 'what is announced of an instance is never changed',
  beforeCreate(draft) {
    const { originator, attributes } = draft
    checkLink(originator, attributes['link'] as string)
    if (attributes['content'] !== undefined) attributes['contentSize'] = sizeOf(attributes['content'])
  },
}

/**
 * Nobody announces what is not his: the original lies at the CSE that asks, or is the registration of the AE in whose name it asks.
 * TS-0004 7.4.26.2.1.
 */
function checkLink(originator: string, link: string): void {
  const short = link.startsWith('//') && !originator.startsWith('//') ? link.slice(link.indexOf('/', 2)) : link
  if (!originator.startsWith('/') || !(short === originator || short.startsWith(`${originator}/`)))
    throw refused('lnk', link, `a resource of the one who announces it, ${originator}`)
}
