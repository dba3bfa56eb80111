/**
 * Announced variants (TS-0001 9.6.26, TS-0004 7.4.26): what a resource of another CSE shows of itself here. Each follows from the table of its
 * original, by the column that says what is announced.
 */

import { identifier, refused } from '../onem2m/attribute-type.ts'
import type { Behaviour, Draft } from './behaviour.ts'
import { commonAttributes, universalAttributes } from './common-attribute.ts'
import { sizeOf } from './content-instance.ts'
import { type AttributeDefinition, attribute, defineResourceType, type ResourceType } from './resource-type.ts'

/** What its number is more than that of its original. */
export const announcedOffset = 10_000

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
      link: attribute('lnk', identifier, 'M', 'NP', 'NA'),
      expirationTime: commonAttributes.expirationTime,
      ...announcedAttributes(original),
    },
    parents:
      type === cseBaseType
        ? [cseBaseType]
        : isInstance === true
          ? parents
          : [...new Set([...parents, cseBaseAnnouncedType, remoteCseType])],
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

const structureBehaviour: Behaviour = { beforeCreate: checkLink }

const instanceBehaviour: Behaviour = {
  refusesUpdate: 'what is announced of an instance is never changed',
  beforeCreate(draft) {
    checkLink(draft)
    const { attributes } = draft
    if (attributes['content'] !== undefined) attributes['contentSize'] = sizeOf(attributes['content'])
  },
}

/** Nobody announces what is not his: the original lies at the CSE that asks. TS-0004 7.4.26.2.1. */
function checkLink({ originator, attributes }: Draft): void {
  const link = attributes['link'] as string
  if (!originator.startsWith('/') || !(link.startsWith(`${originator}/`) || link.includes(`${originator}/`)))
    throw refused('lnk', link, `a resource of the CSE that announces it, ${originator}`)
}
