/** One command's talk with a running gateway: where it is, who asks, and what a refusal or a silence means at a shell. */

import type { OneM2MClient } from '../client/client.ts'
import { connect } from '../client/connect.ts'
import { OneM2MResponseError } from '../client/transport.ts'
import type { JsonObject } from '../onem2m/content.ts'
import { ExitCode, type Invocation, UsageError } from './command.ts'

const defaultUrl = 'http://localhost:8000'
const defaultOriginator = 'Ccli'

/** Hands a connected client to `talk` and closes it; resolves with the exit code. */
export async function withClient(
  invocation: Invocation,
  talk: (client: OneM2MClient) => Promise<void>,
): Promise<number> {
  const { environment, complain } = invocation.surroundings
  const url = invocation.values['url']?.at(-1) ?? environment['FIELDGATE_URL'] ?? defaultUrl
  const originator = invocation.values['originator']?.at(-1) ?? environment['FIELDGATE_ORIGINATOR'] ?? defaultOriginator
  const client = open(url, originator)
  try {
    await talk(client)
    return ExitCode.OK
  } catch (error) {
    if (!(error instanceof OneM2MResponseError)) throw error
    if (error.response === undefined) {
      complain(`fieldgate: no gateway answers at ${url} (${error.message}). Start one with: fieldgate gateway`)
      return ExitCode.UNAVAILABLE
    }
    complain(`fieldgate: ${error.message}`)
    return ExitCode.FAILURE
  } finally {
    await client.close()
  }
}

function open(url: string, originator: string): OneM2MClient {
  try {
    return connect(url, { originator, awaitsBroker: false })
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}

/** JSON for people, or on one line for programs. */
export function printContent({ flags, surroundings }: Invocation, content: unknown): void {
  surroundings.print(flags.has('json') ? JSON.stringify(content) : JSON.stringify(content, undefined, 2))
}

/** A path as people write it: without the slash at its end that completion leaves. */
export function readPath(operand: string | undefined): string {
  const path = operand?.replace(/\/+$/, '')
  if (!path) throw new UsageError('name a resource by its path, such as onem2m/myapp')
  return path
}

/** The one member of a resource's representation: `m2m:cnt` and its attributes. */
export function readMember(content: JsonObject): readonly [name: string, attributes: JsonObject] {
  const [member] = Object.entries(content)
  if (!member) throw new UsageError('the gateway sent no representation of that resource')
  return member as [string, JsonObject]
}
