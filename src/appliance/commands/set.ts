/** `fieldgate set`: changes attributes of a resource, whose type it asks the gateway for. */

import { findResourceType, readAttributes } from '../attribute-argument.ts'
import type { Invocation } from '../command.ts'
import { printContent, readMember, readPath, withClient } from '../resource-session.ts'

export function run(invocation: Invocation): Promise<number> {
  const [operand, ...words] = invocation.operands
  const path = readPath(operand)
  return withClient(invocation, async (client) => {
    const [memberName] = readMember(await client.retrieve(path))
    const attributes = await readAttributes(findResourceType(memberName), words, invocation.surroundings)
    printContent(invocation, await client.update(path, { [memberName]: attributes }))
  })
}
