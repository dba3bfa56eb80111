/**
 * Polling channels: requests wait here until the entity that they are for fetches them by a long poll on its pcu, and its responses come back
 * the same way. TS-0001 10.2.5.10, TS-0004 7.4.22.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import { isJsonObject, type Json, type JsonObject } from '../onem2m/content.ts'
import { decodeResponse, encodeRequest } from '../onem2m/parameter.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { parseMoment } from '../onem2m/timestamp.ts'
import type { Execution } from './execution.ts'
import type { Delivery, Requester } from './handler.ts'
import type { Outcome } from './outcome.ts'
import type { Resource } from './resource.ts'
import { remoteCseType } from './route.ts'
import type { Tree } from './tree.ts'

const channelType = 15
/** Requests that wait in one channel; with one more the oldest is given up. */
const maxWaiting = 100
/** How long a poll without requestExpirationTimestamp waits. */
const defaultPollMs = 30_000

/** A request in a channel: until it is fetched, and from then on until it is answered. */
interface Parcel {
  readonly request: RequestPrimitive
  readonly delivery: Delivery
  timer: Timer | undefined
  resolve(response: ResponsePrimitive): void
  reject(reason: OneM2MError): void
}

interface Poll {
  readonly timer: Timer
  answer(parcels: readonly Parcel[]): void
}

interface Channel {
  waiting: Parcel[]
  /** By request identifier. */
  readonly fetched: Map<string, Parcel>
  poll: Poll | undefined
}

export class PollingChannels implements Requester {
  readonly schemes = ['pch'] as const
  readonly #tree: Tree
  readonly #clock: Clock
  readonly #channels = new Map<Resource, Channel>()

  constructor({ tree, clock }: { readonly tree: Tree; readonly clock: Clock }) {
    this.#tree = tree
    this.#clock = clock
  }

  /**
   * Resolves with the response that the entity brings. Rejects with REQUEST_TIMEOUT when it has fetched the request and does not answer in
   * time, or does not come for one that can't wait; with TARGET_NOT_REACHABLE when there are too many or the channel ends.
   */
  send(delivery: Delivery): Promise<ResponsePrimitive> {
    const { target = '', request, timeoutMs, isPatient } = delivery
    const resource = this.#channelOf(target)
    if (resource === undefined)
      return Promise.reject(new OneM2MError(Status.TARGET_NOT_REACHABLE, `${target} has no polling channel`))
    const channel = this.#obtain(resource)
    return new Promise((resolve, reject) => {
      const parcel: Parcel = { request, delivery, timer: undefined, resolve, reject }
      if (isPatient !== true) parcel.timer = this.#clock.after(timeoutMs, () => expire(channel, parcel))
      channel.waiting.push(parcel)
      if (channel.waiting.length > maxWaiting)
        giveUp(
          channel.waiting.shift(),
          Status.TARGET_NOT_REACHABLE,
          `${maxWaiting} requests wait to be fetched already`,
        )
      this.#serve(resource, channel)
    })
  }

  /** RETRIEVE of pcu: what waits now, or what comes before the request expires (REQUEST_TIMEOUT when nothing does). */
  poll(execution: Execution, resource: Resource): Promise<Outcome> {
    requireOwner(execution, resource)
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
        answer: (parcels) => {
          end()
          if (parcels.length === 0) reject(nothingCame())
          else resolve({ status: Status.OK, content: contentOf(parcels, isAggregated(resource)) })
        },
      }
      this.#serve(resource, channel)
    })
  }

  /** NOTIFY to pcu brings the response to a request that was fetched: TS-0004 7.4.22.2.5. */
  respond(execution: Execution, resource: Resource): Outcome {
    requireOwner(execution, resource)
    const wire = execution.request.content?.['m2m:rsp']
    if (!isJsonObject(wire))
      throw new OneM2MError(
        Status.BAD_REQUEST,
        'pc: expected {"m2m:rsp": {...}}, the response to a request that was fetched',
      )
    const response = decodeResponse(wire)
    const channel = this.#channels.get(resource)
    const parcel = channel?.fetched.get(response.requestIdentifier)
    if (channel === undefined || parcel === undefined)
      throw new OneM2MError(
        Status.NOT_FOUND,
        `pc: no request ${response.requestIdentifier} waits for a response, or not any more`,
      )
    parcel.timer?.cancel()
    channel.fetched.delete(response.requestIdentifier)
    parcel.resolve(response)
    return { status: Status.OK }
  }

  /** A channel is deleted: what waits for it is given up. */
  end(resource: Resource): void {
    const channel = this.#channels.get(resource)
    if (channel === undefined) return
    this.#channels.delete(resource)
    channel.poll?.answer([])
    for (const parcel of [...channel.waiting, ...channel.fetched.values()])
      giveUp(parcel, Status.TARGET_NOT_REACHABLE, 'its polling channel is gone')
  }

  stop(): void {
    for (const resource of [...this.#channels.keys()]) this.end(resource)
  }

  #channelOf(target: string): Resource | undefined {
    let entity = this.#tree.get(target)
    if (entity === undefined)
      for (const remote of this.#tree.ofType(remoteCseType)) if (remote.stored['cseId'] === target) entity = remote
    return entity === undefined ? undefined : pollingChannelOf(entity)
  }

  #obtain(resource: Resource): Channel {
    let channel = this.#channels.get(resource)
    if (channel === undefined) {
      channel = { waiting: [], fetched: new Map(), poll: undefined }
      this.#channels.set(resource, channel)
    }
    return channel
  }

  #serve(resource: Resource, channel: Channel): void {
    if (channel.poll === undefined || channel.waiting.length === 0) return
    const served = channel.waiting.splice(0, isAggregated(resource) ? channel.waiting.length : 1)
    channel.poll.answer(served)
    for (const parcel of served) {
      const { request, delivery } = parcel
      channel.fetched.set(request.requestIdentifier, parcel)
      if (delivery.isPatient === true)
        parcel.timer = this.#clock.after(delivery.timeoutMs, () => expire(channel, parcel))
      delivery.handedOver?.()
    }
  }
}

/** The channel of an entity, when it has one: it is not reached otherwise (TS-0004 7.3.3.9). */
export function pollingChannelOf({ children }: Resource): Resource | undefined {
  for (const child of children.values()) if (child.definition.type === channelType) return child
  return undefined
}

function isAggregated({ stored }: Resource): boolean {
  return stored['requestAggregation'] === true
}

/** Nobody but the entity whose channel it is, whatever other rights somebody has: TS-0001 10.2.5.10. */
function requireOwner({ originator }: Execution, { parent, address }: Resource): void {
  if ((parent?.stored['aeId'] ?? parent?.stored['cseId']) === originator) return
  throw new OneM2MError(Status.ORIGINATOR_HAS_NO_PRIVILEGE, `fr: ${address} is not the channel of ${originator}`)
}

function expire(channel: Channel, parcel: Parcel): void {
  channel.waiting = channel.waiting.filter((each) => each !== parcel)
  if (channel.fetched.get(parcel.request.requestIdentifier) === parcel)
    channel.fetched.delete(parcel.request.requestIdentifier)
  giveUp(parcel, Status.REQUEST_TIMEOUT, 'it did not answer in time over its polling channel')
}

function giveUp(parcel: Parcel | undefined, status: number, reason: string): void {
  parcel?.timer?.cancel()
  parcel?.reject(new OneM2MError(status, `${parcel.delivery.target}: ${reason}`))
}

function nothingCame(): OneM2MError {
  return new OneM2MError(Status.REQUEST_TIMEOUT, 'no request came for this polling channel: poll again')
}

/** One request, or with requestAggregation all that waited: TS-0004 7.4.22.2.2. */
function contentOf(parcels: readonly Parcel[], isList: boolean): JsonObject {
  const wires = parcels.map(({ request }) => JSON.parse(encodeRequest(request)) as Json)
  return isList ? { 'm2m:agrp': wires } : { 'm2m:rqp': wires[0] as Json }
}
