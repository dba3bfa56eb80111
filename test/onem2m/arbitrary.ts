/** Generated primitives for property tests: any combination of parameters that a request or response may have. */

import fc from 'fast-check'
import type { Json, JsonObject } from '../../src/onem2m/content.ts'
import type { FilterCriteria } from '../../src/onem2m/filter-criteria.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../../src/onem2m/primitive.ts'

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,12}$/)
const stamp = fc.constantFrom('20260101T101500', '20261231T235959,123456', '20260101T000000')
const integer = fc.nat({ max: 1_000_000 })
const texts = fc.array(fc.stringMatching(/^[\p{L}\p{N} :&=%#-]{1,10}$/u), { minLength: 1, maxLength: 3 })
const integers = fc.array(fc.nat({ max: 70 }), { minLength: 1, maxLength: 3 })
const header = fc.stringMatching(/^[!-~]{1,16}$/)
const condition = fc
  .tuple(fc.constantFrom('rn', 'mni', 'api', 'or'), fc.stringMatching(/^[\p{L}\p{N} *&=+%#-]{1,10}$/u))
  .map(([name, value]) => ({ name, value }))
const conditions = fc.array(condition, { minLength: 1, maxLength: 2 })
const json = fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as Json)
const content = fc.tuple(json, name).map(([con, rn]): JsonObject => ({ 'm2m:cin': { con, rn } }))

export const target = fc
  .tuple(fc.constantFrom('', '/', '//sp.org/'), fc.array(name, { minLength: 1, maxLength: 4 }))
  .map(([prefix, names]) => prefix + names.join('/'))
  .filter((to) => !/^[~_](\/|$)/.test(to))

const filterCriteria: fc.Arbitrary<FilterCriteria> = fc.record(
  {
    createdBefore: stamp,
    modifiedSince: stamp,
    stateTagBigger: integer,
    labels: texts,
    parentLabels: texts,
    labelsQuery: fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
    resourceType: integers,
    childResourceType: integers,
    sizeAbove: integer,
    contentType: fc.constant(['text/plain', 'application/vnd.x+json']),
    attribute: conditions,
    childAttribute: conditions,
    parentAttribute: conditions,
    semanticsFilter: fc.constant(['SELECT ?s WHERE { ?s a <x+y> }']),
    contentFilterSyntax: fc.constant(1),
    contentFilterQuery: fc.constant('$.a[?(@.b + 1)]'),
    filterUsage: fc.constantFrom(1, 2),
    filterOperation: fc.constantFrom(1, 2),
    limit: integer,
    level: integer,
    offset: integer,
    applyRelativePath: name,
  },
  { requiredKeys: ['filterUsage'], noNullPrototype: true },
)

/** TS-0009 6.4.11 joins URIs with `&`: one that holds an `&` can't be told from two. */
const uri = fc.webUrl().filter((text) => !text.includes('&'))

const rare = {
  releaseVersionIndicator: fc.constantFrom('1', '2a', '3', '4'),
  vendorInformation: header,
  roleIds: fc.array(name, { minLength: 1, maxLength: 2 }),
  originatingTimestamp: stamp,
  requestExpirationTimestamp: fc.oneof(stamp, fc.constant('5000')),
  resultExpirationTimestamp: stamp,
  operationExecutionTime: stamp,
  responseType: fc.record(
    {
      responseTypeValue: fc.integer({ min: 1, max: 5 }),
      notificationUri: fc.array(uri, { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: ['responseTypeValue'], noNullPrototype: true },
  ),
  resultPersistence: fc.constantFrom('P1DT2H', '20270101T000000'),
  resultContent: fc.nat({ max: 12 }),
  eventCategory: fc.nat({ max: 999 }),
  deliveryAggregation: fc.boolean(),
  groupRequestIdentifier: header,
  desiredIdentifierResultType: fc.constantFrom(1 as const, 2 as const),
  tokenIds: fc.array(name, { minLength: 1, maxLength: 2 }),
  localTokenIds: fc.array(name, { minLength: 1, maxLength: 2 }),
  tokenRequestIndicator: fc.boolean(),
  semanticQueryIndicator: fc.boolean(),
}

const common = { to: target, originator: header, requestIdentifier: header }
const requiredKeys = ['operation', 'to', 'originator', 'requestIdentifier'] as const

/** Requests that every binding can carry: headers hold no arbitrary text. */
export const request: fc.Arbitrary<RequestPrimitive> = fc.oneof(
  fc.record(
    { operation: fc.constant(1 as const), ...common, resourceType: fc.nat({ max: 70 }), content, ...rare },
    { requiredKeys: [...requiredKeys, 'resourceType', 'content'], noNullPrototype: true },
  ),
  fc.record(
    { operation: fc.constant(2 as const), ...common, filterCriteria, ...rare },
    { requiredKeys: [...requiredKeys], noNullPrototype: true },
  ),
  fc.record(
    { operation: fc.constant(2 as const), ...common, attributeList: fc.array(name, { minLength: 1, maxLength: 3 }) },
    { requiredKeys: [...requiredKeys, 'attributeList'], noNullPrototype: true },
  ),
  fc.record(
    { operation: fc.constantFrom(3 as const, 5 as const), ...common, content, ...rare },
    { requiredKeys: [...requiredKeys, 'content'], noNullPrototype: true },
  ),
  fc.record(
    { operation: fc.constant(4 as const), ...common, ...rare },
    { requiredKeys: [...requiredKeys], noNullPrototype: true },
  ),
)

export const response: fc.Arbitrary<ResponsePrimitive> = fc.record(
  {
    responseStatusCode: fc.constantFrom(1001, 2000, 2001, 2002, 2004, 4000, 4103, 4105, 5103, 5207, 6010),
    requestIdentifier: header,
    content,
    originator: header,
    originatingTimestamp: stamp,
    resultExpirationTimestamp: stamp,
    eventCategory: integer,
    contentStatus: fc.constantFrom(1, 2),
    contentOffset: integer,
    releaseVersionIndicator: fc.constantFrom('2a', '3'),
    vendorInformation: header,
  },
  { requiredKeys: ['responseStatusCode', 'requestIdentifier'], noNullPrototype: true },
)
