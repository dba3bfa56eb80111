/** `fieldgate discover`: the addresses of what is below a resource, as a list or drawn as a tree. */

import type { FilterCriteria } from '../../onem2m/filter-criteria.ts'
import { resourceTypes } from '../../resources/index.ts'
import { findResourceType } from '../attribute-argument.ts'
import { type Invocation, UsageError } from '../command.ts'
import { drawTree } from '../resource-tree.ts'
import { printContent, readPath, withClient } from '../resource-session.ts'

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

/** A tree leaves out the instances, of which there may be a million, unless they are asked for by type. */
function readFilter({ flags, values }: Invocation): FilterCriteria {
  const named = values['type']?.map((name) => findResourceType(name).type)
  const structure = resourceTypes.filter(({ isInstance }) => !isInstance).map(({ type }) => type)
  const types = named ?? (flags.has('tree') ? structure : undefined)
  const limit = values['limit']?.at(-1)
  if (limit !== undefined && !/^[1-9]\d*$/.test(limit)) throw new UsageError(`--limit ${limit}: expected a number, 1 or more`)
  return {
    ...(types === undefined ? {} : { resourceType: types }),
    ...(values['label'] === undefined ? {} : { labels: values['label'] }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  }
}
