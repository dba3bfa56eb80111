/** `fieldgate create`: a resource from a type and `NAME=VALUE` words or JSON. */

import { findResourceType, readAttributes } from '../attribute-argument.ts'
import type { Invocation } from '../command.ts'
import { printContent, readPath, withClient } from '../resource-session.ts'

export async function run(invocation: Invocation): Promise<number> {
  const [path, typeName = '', ...words] = invocation.operands
  const parent = readPath(path)
  const type = findResourceType(typeName)
  const attributes = await readAttributes(type, words, invocation.surroundings)
  return withClient(invocation, async (client) => {
    printContent(invocation, await client.create(parent, type.type, { [type.memberName]: attributes }))
  })
}
