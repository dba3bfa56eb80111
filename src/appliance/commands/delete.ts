/** `fieldgate delete`: a resource and all below it; says so, because the gateway's answer has no content. */

import type { Invocation } from '../command.ts'
import { printContent, readPath, withClient } from '../resource-session.ts'

export function run(invocation: Invocation): Promise<number> {
  const path = readPath(invocation.operands[0])
  return withClient(invocation, async (client) => {
    await client.delete(path)
    if (invocation.flags.has('json')) printContent(invocation, { deleted: path })
    else invocation.surroundings.print(`deleted ${path}`)
  })
}
