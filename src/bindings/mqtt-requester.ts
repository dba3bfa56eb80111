/** The CSE's own requests over MQTT: which topic reaches an entity, and which response belongs to which request (TS-0010 6.4.3). */

import type { Delivery, Requester } from '../cse/handler.ts'
import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import {
  entityOfIdentifier,
  formatTopic,
  identifierToLevel,
  type OwnIdentity,
  topicOfUrl,
} from '../onem2m/mqtt-mapping.ts'
import { decodeResponse, encodeRequest } from '../onem2m/parameter.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import { parse, type Serialization, serializationOfUrl, serialize } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { ResponseWait } from './response-wait.ts'
import type { TopicBroker } from './topic-consumer.ts'

export interface MqttRequesterOptions {
  readonly broker: Pick<TopicBroker, 'send'>
  readonly own: OwnIdentity
  readonly clock: Clock
  readonly log: Log
  readonly prefix: string
  /** How long a request waits for its target to subscribe. */
  readonly parkMs: number
  /** Shared by those who send over several brokers: a response may come over another one than its request went. */
  readonly wait?: ResponseWait
}

/** A request as it is published, and the last level of its topic. */
interface Message {
  readonly payload: Buffer | string
  readonly serialization: Serialization
}

/** Requests that wait for their response; beyond that only notifications are sent, and nobody waits for what their targets say. */
export const MAX_PENDING = 4096
/** Entities with an unusual topic level that are remembered; all are forgotten when there are more. */
const MAX_LEVELS = 1024

/**
 * Sends requests through the broker that runs here: whichever broker a point of access names, an entity that is connected here is reached
 * here. A plain MQTT URL without target is a topic of this broker too.
 */
export class MqttRequester implements Requester {
  readonly schemes = ['mqtt'] as const
  readonly #options: MqttRequesterOptions
  readonly #ownLevel: string
  readonly #wait: ResponseWait
  readonly #levels = new Map<string, string>()

  constructor(options: MqttRequesterOptions) {
    this.#options = options
    this.#wait = options.wait ?? new ResponseWait({ clock: options.clock, limit: MAX_PENDING })
    this.#ownLevel = identifierToLevel(options.own.cseId)
  }

  /**
   * `parkMs` is how long the target may take to subscribe; none at all, unless said, where somebody waits for the response. Rejects with
   * TARGET_NOT_REACHABLE when nobody is there, with REQUEST_TIMEOUT when no response comes in time.
   */
  async send(
    { pointOfAccess, target, request, timeoutMs, ...delivery }: Delivery,
    parkMs = delivery.isPatient === false ? 0 : this.#options.parkMs,
  ): Promise<ResponsePrimitive> {
    const serialization = serializationOfUrl(pointOfAccess) ?? delivery.serialization ?? 'json'
    const message: Message = { payload: serialize(encodeRequest(request), serialization), serialization }
    if (target === undefined) {
      const topic = topicOfUrl(pointOfAccess, this.#ownLevel, serialization)
      if (topic === undefined)
        throw unreachable(pointOfAccess, 'expected a path, which is the topic: mqtt://host/some/topic')
      this.#options.broker.send({ topic, payload: message.payload, qos: 1 })
      // Nothing that speaks oneM2M is there to answer, TS-0004 7.3.1.3.
      return { responseStatusCode: Status.OK, requestIdentifier: request.requestIdentifier }
    }
    const entity = entityOfIdentifier(target, this.#options.own)
    const key = pendingKey(entity, request.requestIdentifier)
    if (this.#wait.isFull) return this.#sendAndForget(entity, target, request, message, parkMs)
    if (this.#wait.has(key)) throw unreachable(target, `request ${request.requestIdentifier} waits for a response`)
    // Before it is sent: the response may come while the broker writes.
    const response = this.#wait.response(key, target, timeoutMs)
    if (this.#publish(entity, message, parkMs)) delivery.handedOver?.()
    else this.#wait.fail(key, unreachable(target, 'nobody subscribes to its requests'))
    return response
  }

  /** Many targets show what they are notified of and never answer. */
  #sendAndForget(
    entity: string,
    target: string,
    request: RequestPrimitive,
    message: Message,
    parkMs: number,
  ): ResponsePrimitive {
    if (request.operation !== Operation.NOTIFY) throw unreachable(target, `${MAX_PENDING} requests wait for a response`)
    if (!this.#publish(entity, message, parkMs)) throw unreachable(target, 'nobody subscribes to its requests')
    return { responseStatusCode: Status.OK, requestIdentifier: request.requestIdentifier }
  }

  /** Takes a response that `entity` published; Mobius sends each of them twice. */
  answer(entity: string, payload: Buffer, serialization: Serialization): void {
    try {
      const response = decodeResponse(parse(payload, serialization, 'payload'))
      this.#wait.answer(pendingKey(entity, response.requestIdentifier), response)
    } catch (error) {
      if (!(error instanceof OneM2MError)) throw error
      this.#options.log.debug('response is malformed', { entity, reason: error.message })
    }
  }

  /** Remembers how an entity writes itself in topics, where that is not the short form: it subscribes to the same. */
  learnLevel(entity: string, level: string): void {
    if (level === identifierToLevel(entity)) {
      this.#levels.delete(entity)
      return
    }
    if (this.#levels.size >= MAX_LEVELS) this.#levels.clear()
    this.#levels.set(entity, level)
  }

  /** Rejects what waits. */
  stop(): void {
    this.#wait.failAll(unreachable('MQTT', 'the gateway stops'))
  }

  /** An entity may subscribe under its stem or, as OpenMTC does, under its SP-relative identifier; the one it used itself goes first. */
  #publish(entity: string, { payload, serialization }: Message, parkMs: number): boolean {
    const stem = identifierToLevel(entity)
    const learned = this.#levels.get(entity)
    const firstLevel = learned ?? stem
    const first = this.#topic(firstLevel, serialization)
    const { broker } = this.#options
    if (broker.send({ topic: first, payload, qos: 1, addressee: firstLevel }) !== 'nobody') return true
    const otherLevel = learned === undefined ? `${this.#ownLevel}:${stem}` : stem
    if (
      broker.send({ topic: this.#topic(otherLevel, serialization), payload, qos: 1, addressee: otherLevel }) !==
      'nobody'
    )
      return true
    return broker.send({ topic: first, payload, qos: 1, addressee: firstLevel, parkMs }) !== 'nobody'
  }

  #topic(receiver: string, type: Serialization): string {
    return formatTopic({ kind: 'req', originator: this.#ownLevel, receiver, type }, this.#options.prefix)
  }
}

/** Responses are matched with who sent them, too: nobody answers for somebody else. A topic level can't hold U+0000. */
function pendingKey(entity: string, requestIdentifier: string): string {
  return `${entity}\0${requestIdentifier}`
}

function unreachable(target: string, reason: string): OneM2MError {
  return new OneM2MError(Status.TARGET_NOT_REACHABLE, `${target}: ${reason}`)
}
