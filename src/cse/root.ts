/** The CSEBase, which nobody creates by request: what a CSE says of itself. TS-0001 9.6.3. */

import { mediaTypes } from '../onem2m/serialization.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import { supportedReleaseVersions } from './check.ts'
import type { CseSettings } from './parts.ts'
import { Resource } from './resource.ts'
import { rootIdentifier } from './tree.ts'

const cseBaseType = 5

/** `createdAt` is the time of the first start, which outlasts all others. */
export function createRoot(
  { settings, resourceTypes }: { settings: CseSettings; resourceTypes: ReadonlyMap<number, ResourceType> },
  createdAt: string,
): Resource {
  const definition = resourceTypes.get(cseBaseType)
  if (definition === undefined) throw new Error('resource type 5 (CSEBase) is not in the list')
  return new Resource({
    definition,
    resourceIdentifier: rootIdentifier,
    name: settings.cseBaseName,
    parent: undefined,
    originator: settings.cseId,
    attributes: {
      resourceName: settings.cseBaseName,
      resourceType: cseBaseType,
      resourceIdentifier: rootIdentifier,
      parentIdentifier: '',
      creationTime: createdAt,
      lastModifiedTime: createdAt,
      cseId: settings.cseId,
      spId: settings.spId,
      cseType: settings.cseType,
      supportedResourceType: [...resourceTypes.keys()].sort((left, right) => left - right),
      supportedReleaseVersions,
      pointOfAccess: settings.pointOfAccess,
      contentSerialization: Object.values(mediaTypes),
    },
  })
}
