/** Request and response primitives (TS-0004 7.1, 7.2) under the standard's long names; every binding speaks these to the CSE. */

import type { Content, JsonObject } from './content.ts'
import type { FilterCriteria } from './filter-criteria.ts'
import type { ResponseStatusCode } from './status.ts'

export const Operation = { CREATE: 1, RETRIEVE: 2, UPDATE: 3, DELETE: 4, NOTIFY: 5 } as const
export type Operation = (typeof Operation)[keyof typeof Operation]

/** TS-0004 6.3.4.2.6. What part of the result the originator wants back. */
export const ResultContent = {
  NOTHING: 0,
  ATTRIBUTES: 1,
  HIERARCHICAL_ADDRESS: 2,
  HIERARCHICAL_ADDRESS_AND_ATTRIBUTES: 3,
  ATTRIBUTES_AND_CHILD_RESOURCES: 4,
  ATTRIBUTES_AND_CHILD_REFERENCES: 5,
  CHILD_REFERENCES: 6,
  ORIGINAL_RESOURCE: 7,
  CHILD_RESOURCES: 8,
  MODIFIED_ATTRIBUTES: 9,
  SEMANTIC_CONTENT: 10,
  DISCOVERY_RESULT_REFERENCES: 11,
  PERMISSIONS: 12,
} as const

/** TS-0004 6.3.4.2.5. How the originator wants to be answered. */
export const ResponseTypeValue = {
  NON_BLOCKING_SYNCH: 1,
  NON_BLOCKING_ASYNCH: 2,
  BLOCKING: 3,
  FLEX_BLOCKING: 4,
  NO_RESPONSE: 5,
} as const

export interface ResponseType {
  readonly responseTypeValue: number
  readonly notificationUri?: readonly string[]
}

/** Structured (1, the default) or unstructured (2) identifiers in results, TS-0004 6.3.4.2.8. */
export type DesiredIdentifierResultType = 1 | 2

export interface RequestPrimitive {
  readonly operation: Operation
  /** The target as the originator wrote it: CSE-relative, SP-relative or absolute; structured, unstructured or hybrid. */
  readonly to: string
  /** AE-ID or CSE-ID; absent only when an AE without an identifier registers. */
  readonly originator?: string
  readonly requestIdentifier: string
  readonly resourceType?: number
  /** In wire form: `{"m2m:cnt": {"rn": "temp"}}`. */
  readonly content?: JsonObject
  readonly releaseVersionIndicator?: string
  readonly vendorInformation?: string
  readonly roleIds?: readonly string[]
  readonly originatingTimestamp?: string
  readonly requestExpirationTimestamp?: string
  readonly resultExpirationTimestamp?: string
  readonly operationExecutionTime?: string
  readonly responseType?: ResponseType
  readonly resultPersistence?: string
  readonly resultContent?: number
  readonly eventCategory?: number
  readonly deliveryAggregation?: boolean
  readonly groupRequestIdentifier?: string
  readonly groupRequestTargetMembers?: readonly string[]
  readonly filterCriteria?: FilterCriteria
  readonly desiredIdentifierResultType?: DesiredIdentifierResultType
  /** Short names of the attributes wanted (partial retrieve, TS-0004 7.3.3.5), from `m2m:atrl`, `atrl=` or `to#attr`. */
  readonly attributeList?: readonly string[]
  readonly tokens?: readonly string[]
  readonly tokenIds?: readonly string[]
  readonly localTokenIds?: readonly string[]
  readonly tokenRequestIndicator?: boolean
  readonly semanticQueryIndicator?: boolean
}

export interface ResponsePrimitive {
  readonly responseStatusCode: ResponseStatusCode
  readonly requestIdentifier: string
  readonly content?: Content
  readonly to?: string
  readonly originator?: string
  readonly originatingTimestamp?: string
  readonly resultExpirationTimestamp?: string
  readonly eventCategory?: number
  /** 1 partial, 2 full. */
  readonly contentStatus?: number
  /** With a partial content: the offset to ask for next. */
  readonly contentOffset?: number
  readonly releaseVersionIndicator?: string
  readonly vendorInformation?: string
  /**
   * Hierarchical address of the created resource, for bindings that have a place for it (Content-Location, TS-0009 6.4.2).
   * Not a parameter of the primitive.
   */
  readonly createdAt?: string
}
