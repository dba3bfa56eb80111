/** `fieldgate get`: a resource as JSON, or the bare content of a contentInstance for scripts. */

import { type Invocation, UsageError } from '../command.ts'
import { printContent, readMember, readPath, withClient } from '../resource-session.ts'

export function run(invocation: Invocation): Promise<number> {
  const { flags, operands, surroundings } = invocation
  return withClient(invocation, async (client) => {
    const resource = await client.retrieve(readPath(operands[0]))
    if (!flags.has('value')) return printContent(invocation, resource)
    const content = readMember(resource)[1]['con']
    if (content === undefined)
      throw new UsageError('--value is for contentInstances: add /la to the path of a container')
    surroundings.print(typeof content === 'string' ? content : JSON.stringify(content))
  })
}
