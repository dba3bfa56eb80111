/** The configuration keys of [cse]. */

import type { Section } from '../setting.ts'

export const cse = {
  text: 'The middle-node CSE and its CSEBase.',
  rows: [
    {
      key: 'id',
      type: 'string',
      format: 'cse-id',
      default: '/mn-cse-1',
      text: 'CSE-ID, unique within the service provider domain. Resources carry it: choose it before the first start.',
    },
    {
      key: 'name',
      type: 'string',
      format: 'resource-name',
      default: 'onem2m',
      text: 'Name of the CSEBase resource, the first part of every hierarchical address.',
    },
    {
      key: 'sp_id',
      type: 'string',
      format: 'sp-id',
      default: '//openmtc.org',
      text: 'M2M service provider identifier, the first part of absolute addresses.',
    },
    {
      key: 'type',
      type: 'string',
      choices: ['MN', 'IN'],
      default: 'MN',
      text: 'Kind of CSE: "MN" on a gateway, "IN" for the one that a site\'s gateways register with.',
    },
    {
      key: 'default_lifetime',
      type: 'duration',
      minimum: 60_000,
      default: '365d',
      text: 'Expiration time given to a resource that is created without one.',
    },
    {
      key: 'max_lifetime',
      type: 'duration',
      minimum: 60_000,
      default: '3650d',
      text: 'Longest time to expiration; a later expiration time is shortened to this.',
    },
    {
      key: 'forward_timeout',
      type: 'duration',
      minimum: 100,
      maximum: 600_000,
      default: '10s',
      text: 'How long another CSE may take to answer a request that is passed on to it; then the originator gets 5103.',
    },
    {
      key: 'max_resources',
      type: 'integer',
      minimum: 100,
      maximum: 10_000_000,
      default: 100_000,
      text: 'Resources besides contentInstances, which are kept in memory; a CREATE beyond is refused.',
    },
    {
      key: 'max_results',
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      default: 10_000,
      text: 'Resources that one discovery, or one retrieval with children, returns at most.',
    },
  ],
} as const satisfies Section
