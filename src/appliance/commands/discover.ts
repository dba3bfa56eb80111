/** `fieldgate discover`: the addresses of what is below a resource, as a list or drawn as a tree. */

import type { OneM2MClient } from '../../client/client.ts'
import type { FilterCriteria } from '../../onem2m/filter-criteria.ts'
import { resourceTypes } from '../../resources/index.ts'
import { findResourceType } from '../attribute-argument.ts'
import { type Invocation, UsageError } from '../command.ts'
import { printContent, readMember, readPath, withClient } from '../resource-session.ts'
import { drawTree } from '../resource-tree.ts'

export function run(invocation: Invocation): Promise<number> {
  const { flags, operands, surroundings } = invocation
  const filterCriteria = readFilter(invocation)
  return withClient(invocation, async (client) => {
    const path = operands[0] === undefined ? await findBase(client) : readPath(operands[0])
    const addresses = await client.discover(path, filterCriteria, { desiredIdentifierResultType: 1 })
    if (flags.has('json')) printContent(invocation, addresses)
    else if (flags.has('tree')) surroundings.print(drawTree(path, addresses))
    else for (const address of addresses) surroundings.print(address)
  })
}

/** The name of the CSEBase, which is `-` to those who do not know it. */
async function findBase(client: OneM2MClient): Promise<string> {
  const name = readMember(await client.retrieve('-'))[1]['rn']
  return typeof name === 'string' ? name : '-'
}

/** A tree leaves out the instances, of which there may be a million, unless they are asked for by type. */
function readFilter({ flags, values }: Invocation): FilterCriteria {
  const named = values['type']?.map((name) => findResourceType(name).type)
  const structure = resourceTypes.filter(({ isInstance }) => !isInstance).map(({ type }) => type)
  const types = named ?? (flags.has('tree') ? structure : undefined)
  const limit = values['limit']?.at(-1)
  if (limit !== undefined && !/^[1-9]\d*$/.test(limit))
    throw new UsageError(`--limit ${limit}: expected a number, 1 or more`)
  return {
    ...(types === undefined ? {} : { resourceType: types }),
    ...(values['label'] === undefined ? {} : { labels: values['label'] }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  }
}
