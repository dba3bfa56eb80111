/**
 * Polling channels: requests wait here until the AE that they are for fetches them by a long poll on its pcu, and its responses come back the
 * same way. TS-0001 10.2.5.10, TS-0004 7.4.22.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Json, JsonObject } from '../onem2m/content.ts'
import { encodeRequest } from '../onem2m/parameter.ts'
import type { ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { parseMoment } from '../onem2m/timestamp.ts'
import type { Execution } from './execution.ts'
import type { Delivery, Requester } from './handler.ts'
import type { Outcome } from './outcome.ts'
import type { Resource } from './resource.ts'
import type { Tree } from './tree.ts'

const channelType = 15
/** Requests that wait in one channel; with one more the oldest is given up. */
const maxWaiting = 100
/** How long a poll without requestExpirationTimestamp waits. */
const defaultPollMs = 30_000

interface Waiting {
  readonly primitive: Json
  fetched(): void
  givenUp(): void
}

interface Poll {
  readonly timer: Timer
  answer(primitives: readonly Json[]): void
}

interface Channel {
  readonly waiting: Waiting[]
  poll: Poll | undefined
}

export class PollingChannels implements Requester {
  readonly schemes = ['pch'] as const
  /** The channel keeps the order, and bounds what waits. */
  readonly handsOver = true
  readonly #tree: Tree
  readonly #clock: Clock
  readonly #channels = new Map<Resource, Channel>()

  constructor({ tree, clock }: { readonly tree: Tree; readonly clock: Clock }) {
    this.#tree = tree
    this.#clock = clock
  }

  /** The channel of an entity, when it has one. */
  channelOf(entity: Resource): Resource | undefined {
    for (const child of entity.children.values()) if (child.definition.type === channelType) return child
    return undefined
  }

  /** Resolves when the AE has fetched the request: what it makes of it is told to nobody here. */
  send({ target, request }: Delivery): Promise<ResponsePrimitive> {
    const entity = target === undefined ? undefined : this.#tree.get(target)
    const resource = entity === undefined ? undefined : this.channelOf(entity)
    if (resource === undefined)
      return Promise.reject(new OneM2MError(Status.TARGET_NOT_REACHABLE, `${target} has no polling channel`))
    const channel = this.#obtain(resource)
    return new Promise((resolve, reject) => {
      channel.waiting.push({
        primitive: JSON.parse(encodeRequest(request)) as Json,
        fetched: () => resolve({ responseStatusCode: Status.OK, requestIdentifier: request.requestIdentifier }),
        givenUp: () => reject(new OneM2MError(Status.REQUEST_TIMEOUT, `${target} does not fetch its requests`)),
      })
      if (channel.waiting.length > maxWaiting) channel.waiting.shift()?.givenUp()
      this.#serve(resource, channel)
    })
  }

  /** RETRIEVE of pcu: what waits now, or what comes before the request expires (REQUEST_TIMEOUT when nothing does). */
  poll(execution: Execution, resource: Resource): Promise<Outcome> {
    this.#require(execution, resource)
    const { requestExpirationTimestamp } = execution.request
    const untilMs =
      requestExpirationTimestamp === undefined
        ? execution.nowMs + defaultPollMs
        : (parseMoment(requestExpirationTimestamp, execution.nowMs) ?? execution.nowMs)
    const channel = this.#obtain(resource)
    // A second poll takes the place of the first, whose connection may be gone.
    channel.poll?.answer([])
    return new Promise((resolve, reject) => {
      const end = () => {
        channel.poll?.timer.cancel()
        channel.poll = undefined
      }
      const timer = this.#clock.after(Math.max(0, untilMs - execution.nowMs), () => {
        end()
        reject(nothingCame())
      })
      channel.poll = {
        timer,
        answer: (primitives) => {
          end()
          if (primitives.length === 0) reject(nothingCame())
          else
            resolve({
              status: Status.OK,
              content: contentOf(primitives, resource.stored['requestAggregation'] === true),
            })
        },
      }
      this.#serve(resource, channel)
    })
  }

  /** NOTIFY to pcu brings the response to a request that was fetched: TS-0004 7.4.22.2.5. */
  respond(execution: Execution, resource: Resource): Outcome {
    this.#require(execution, resource)
    const { content } = execution.request
    const response = content?.['m2m:rsp']
    if (typeof response !== 'object' || response === null)
      throw new OneM2MError(
        Status.BAD_REQUEST,
        'pc: expected {"m2m:rsp": {...}}, the response to a request that was fetched',
      )
    return { status: Status.OK }
  }

  /** A channel is deleted: what waits for it is given up. */
  end(resource: Resource): void {
    const channel = this.#channels.get(resource)
    this.#channels.delete(resource)
    channel?.poll?.answer([])
    for (const waiting of channel?.waiting ?? []) waiting.givenUp()
  }

  stop(): void {
    for (const resource of [...this.#channels.keys()]) this.end(resource)
  }

  #obtain(resource: Resource): Channel {
    let channel = this.#channels.get(resource)
    if (channel === undefined) {
      channel = { waiting: [], poll: undefined }
      this.#channels.set(resource, channel)
    }
    return channel
  }

  #serve(resource: Resource, channel: Channel): void {
    if (channel.poll === undefined || channel.waiting.length === 0) return
    const isAggregated = resource.stored['requestAggregation'] === true
    const served = channel.waiting.splice(0, isAggregated ? channel.waiting.length : 1)
    channel.poll.answer(served.map(({ primitive }) => primitive))
    for (const { fetched } of served) fetched()
  }

  /** Nobody but the AE whose channel it is, whatever other rights somebody has: TS-0001 10.2.5.10. */
  #require({ originator }: Execution, resource: Resource): void {
    if (resource.parent?.resourceIdentifier !== originator)
      throw new OneM2MError(
        Status.ORIGINATOR_HAS_NO_PRIVILEGE,
        `fr: ${resource.address} is not the channel of ${originator}`,
      )
  }
}

function nothingCame(): OneM2MError {
  return new OneM2MError(Status.REQUEST_TIMEOUT, 'no request came for this polling channel: poll again')
}

function contentOf(primitives: readonly Json[], isAggregated: boolean): JsonObject {
  return isAggregated ? { 'm2m:agrp': { 'm2m:rqp': primitives } } : { 'm2m:rqp': primitives[0] as Json }
}
