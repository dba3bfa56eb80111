/**
 * oneM2M over MQTT (TS-0010) on the embedded broker's fast path: a request on a topic becomes a primitive for the CSE, its response goes to
 * the mirrored topic. This runs for every request, so that what a topic says is worked out once and remembered.
 */

import type { Delivery, RequestContext, Requester, RequestHandler } from '../cse/handler.ts'
import type { Clock } from '../onem2m/clock.ts'
import { isJsonObject, type Json } from '../onem2m/content.ts'
import type { Log } from '../onem2m/log.ts'
import {
  entityOfIdentifier,
  entityOfLevel,
  levelToIdentifier,
  type OwnIdentity,
  parseTopic,
  responseTopic,
} from '../onem2m/mqtt-mapping.ts'
import { decodeRequest, encodeResponse } from '../onem2m/parameter.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive, ResponseTypeValue } from '../onem2m/primitive.ts'
import { encodeRefusal } from '../onem2m/refusal.ts'
import { isSerialization, parse, type Serialization, serialize } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { MqttRequester } from './mqtt-requester.ts'
import type { ResponseWait } from './response-wait.ts'
import type { Publication, TopicBroker, TopicConsumer } from './topic-consumer.ts'

export interface MqttBindingOptions {
  readonly broker: TopicBroker
  readonly handler: RequestHandler
  readonly own: OwnIdentity
  readonly clock: Clock
  readonly log: Log
  /** What precedes `/oneM2M` in all topics; none by default. */
  readonly prefix?: string
  /** How long a message waits for a client that publishes before it subscribes. */
  readonly parkMs?: number
  /**
   * Quality of service of responses. By default that of the request, at most 1. With 0 a client that leaves Nagle's algorithm on saves the
   * 40 ms that its acknowledgement would delay its next request, and a response may be lost with its connection.
   */
  readonly responseQos?: 0 | 1
  /** What waits for responses, where it is shared by several brokers. */
  readonly wait?: ResponseWait
  /** Requests that may be under way before connections are read no further. */
  readonly maxInFlight?: number
}

/** What a topic says, and what has been found out about it. */
interface Route {
  readonly kind: 'req' | 'reg_req' | 'resp'
  /** The other party: who requests, or who responds. */
  readonly entity: string
  readonly level: string
  /** Of requests and their responses; undefined when the topic asks for what is not spoken here. */
  readonly serialization: Serialization | undefined
  readonly responseTopic: string
  /** The `fr` that was last found to be this entity. */
  verifiedOriginator: string | undefined
}

/** Topics that are remembered; all are forgotten when there are more. */
const MAX_ROUTES = 2048
/** A longer topic is worked out each time, so that the remembered ones stay small. */
const MAX_REMEMBERED_TOPIC = 256

const AE = 2
const REMOTE_CSE = 16

/** Somebody behind another broker, which vouches for nobody. */
const throughBroker: RequestContext = { source: 'network' }

export class MqttBinding implements TopicConsumer, Requester {
  readonly schemes: readonly string[]
  readonly #options: MqttBindingOptions
  readonly #requester: MqttRequester
  readonly #prefix: string
  readonly #topicStart: string
  readonly #ownEntity: string
  readonly #parkMs: number
  readonly #maxInFlight: number
  readonly #routes = new Map<string, Route | undefined>()
  #lastTopic = ''
  #lastRoute: Route | undefined
  #isRunning = false
  #isAttached = false
  #inFlight = 0
  #held: (() => void)[] = []
  readonly #contexts = new WeakMap<object, RequestContext>()
  #bareNotifications = 0

  constructor(options: MqttBindingOptions) {
    this.#options = options
    this.#prefix = options.prefix ?? ''
    this.#topicStart = `${this.#prefix}/oneM2M/`
    this.#ownEntity = entityOfIdentifier(options.own.cseId, options.own)
    this.#parkMs = options.parkMs ?? 2000
    this.#maxInFlight = options.maxInFlight ?? 1024
    const { broker, own, clock, log, wait } = options
    const shared = wait === undefined ? {} : { wait }
    this.#requester = new MqttRequester({
      broker,
      own,
      clock,
      log,
      prefix: this.#prefix,
      parkMs: this.#parkMs,
      ...shared,
    })
    this.schemes = this.#requester.schemes
  }

  start(): void {
    this.#isRunning = true
    if (!this.#isAttached) this.#options.broker.consume(this)
    this.#isAttached = true
  }

  /** Takes no more requests; responses to those under way are still sent. */
  stop(): void {
    this.#isRunning = false
    this.#requester.stop()
    this.#release()
  }

  /** Requests that the CSE has not answered yet. */
  get inFlight(): number {
    return this.#inFlight
  }

  send(delivery: Delivery, parkMs?: number): Promise<ResponsePrimitive> {
    return this.#requester.send(delivery, parkMs)
  }

  takes(topic: string): boolean {
    return this.#isRunning && topic.startsWith(this.#topicStart) && this.#routeOf(topic) !== undefined
  }

  consume(publication: Publication, done: () => void): void {
    const route = this.#routeOf(publication.topic)
    if (route?.kind === 'resp') {
      if (this.#mayAnswer(route, publication.connection))
        this.#requester.answer(route.entity, publication.payload, route.serialization ?? 'json')
    } else if (route !== undefined) {
      this.#serve(route, publication)
      if (this.#inFlight >= this.#maxInFlight || (this.#inFlight > 0 && this.#options.handler.isCongested === true)) {
        this.#held.push(done)
        return
      }
    }
    done()
  }

  /** Nobody answers what another was asked. */
  #mayAnswer({ entity, level }: Route, connection: Publication['connection']): boolean {
    const { handler } = this.#options
    const context = this.#contextOf(connection)
    if (handler.mayUse?.(entity, context) !== false) return true
    handler.reportImpostor?.(level, context)
    return false
  }

  #serve(route: Route, publication: Publication): void {
    const { payload, qos, connection } = publication
    let wire: Json = null
    let request: RequestPrimitive
    try {
      if (route.serialization === undefined)
        throw new OneM2MError(
          Status.UNSUPPORTED_MEDIA_TYPE,
          `topic: got ${publication.topic}, expected a last level json or cbor`,
        )
      wire = parse(payload, route.serialization, 'payload')
      request = this.#bareNotification(route, wire) ?? decodeRequest(wire)
      this.#verify(route, request, connection)
    } catch (error) {
      if (!(error instanceof OneM2MError)) throw error
      this.#refuse(route, publication, error, wire)
      return
    }
    const bringer = this.#bringer(route, request)
    const known = this.#contextOf(connection)
    const context = bringer === undefined ? known : { ...known, broughtBy: bringer }
    this.#inFlight++
    this.#options.handler.handle(request, context, (response) => {
      this.#inFlight--
      if (this.#held.length > 0) this.#release()
      if (request.responseType?.responseTypeValue !== ResponseTypeValue.NO_RESPONSE)
        this.#reply(route, qos, encodeResponse(response))
    })
  }

  /** Made once for each connection. */
  #contextOf(connection: Publication['connection']): RequestContext {
    if (connection === undefined) return throughBroker
    let context = this.#contexts.get(connection)
    if (context === undefined) {
      const { isLocal, remoteAddress, principal } = connection
      const source = isLocal ? 'local' : 'network'
      context = { source, remoteAddress, ...(principal === undefined ? {} : { principal }) }
      this.#contexts.set(connection, context)
    }
    return context
  }

  /** The topic, which the broker has checked, and the payload must name the same entity: nobody speaks for somebody else. */
  #verify(route: Route, request: RequestPrimitive, connection: Publication['connection']): void {
    const { originator, operation, resourceType } = request
    const isRegistration = operation === Operation.CREATE && (resourceType === AE || resourceType === REMOTE_CSE)
    if (route.kind === 'reg_req') {
      // TS-0010 6.4.4: the level is a Credential-ID, for those who have no identifier yet.
      if (isRegistration) return
      throw new OneM2MError(
        Status.BAD_REQUEST,
        `op: got ${operation} on a reg_req topic, expected 1 (Create) with ty 2 (AE) or 16 (remoteCSE)`,
      )
    }
    if (originator === undefined || originator === route.verifiedOriginator) return
    if (isRegistration && (originator === 'C' || originator === 'S')) return
    if (this.#bringer(route, request) !== undefined) return
    if (entityOfIdentifier(originator, this.#options.own) !== route.entity) {
      this.#options.handler.reportImpostor?.(originator, this.#contextOf(connection))
      throw new OneM2MError(
        Status.ORIGINATOR_NOT_AUTHENTICATED,
        `fr: got ${JSON.stringify(originator.slice(0, 80))}, expected the originator of the topic, ${route.level}`,
      )
    }
    route.verifiedOriginator = originator
  }

  /** The CSE of the topic, when it is registered and may bring requests of this originator: those behind it. */
  #bringer({ entity }: Route, { originator }: RequestPrimitive): string | undefined {
    if (originator?.startsWith('/') !== true) return undefined
    const cseId = `/${entity}`
    return this.#options.handler.speaksFor?.(cseId, originator) === true ? cseId : undefined
  }

  /** tinyIoT sends notifications without the primitive around them, and waits for no response. */
  #bareNotification(route: Route, wire: Json): RequestPrimitive | undefined {
    if (!isJsonObject(wire) || wire['m2m:sgn'] === undefined || wire['op'] !== undefined) return undefined
    return {
      operation: Operation.NOTIFY,
      to: this.#options.own.cseId,
      originator: levelToIdentifier(route.level),
      requestIdentifier: `bare-${++this.#bareNotifications}`,
      responseType: { responseTypeValue: ResponseTypeValue.NO_RESPONSE },
      content: wire,
    }
  }

  #refuse(route: Route, { qos, payload }: Publication, error: OneM2MError, wire: Json): void {
    this.#options.log.debug('request refused', { originator: route.level, reason: error.message })
    this.#reply(route, qos, encodeRefusal(error, wire, payload))
  }

  #reply(route: Route, requestQos: Publication['qos'], json: string): void {
    const qos = this.#options.responseQos ?? (requestQos === 0 ? 0 : 1)
    this.#options.broker.send({
      topic: route.responseTopic,
      payload: serialize(json, route.serialization ?? 'json'),
      qos,
      parkMs: this.#parkMs,
      addressee: route.level,
    })
  }

  #release(): void {
    const held = this.#held
    this.#held = []
    for (const done of held) done()
  }

  #routeOf(topic: string): Route | undefined {
    // The broker asks `takes` and then hands over the same string.
    if (topic === this.#lastTopic) return this.#lastRoute
    let route = this.#routes.get(topic)
    if (route === undefined && !this.#routes.has(topic)) {
      route = this.#workOut(topic)
      if (topic.length <= MAX_REMEMBERED_TOPIC) {
        if (this.#routes.size >= MAX_ROUTES) this.#routes.clear()
        this.#routes.set(topic, route)
      }
    }
    this.#lastTopic = topic
    this.#lastRoute = route
    return route
  }

  #workOut(topic: string): Route | undefined {
    const { own } = this.#options
    const parts = parseTopic(topic, this.#prefix)
    if (parts === undefined || parts.kind === 'reg_resp') return undefined
    const { kind } = parts
    const [self, level] = kind === 'resp' ? [parts.originator, parts.receiver] : [parts.receiver, parts.originator]
    if (entityOfLevel(self, own) !== this.#ownEntity) return undefined
    const entity = entityOfLevel(level, own)
    if (kind === 'req') this.#requester.learnLevel(entity, level)
    const serialization = parts.type === undefined ? 'json' : isSerialization(parts.type) ? parts.type : undefined
    return {
      kind,
      entity,
      level,
      serialization,
      responseTopic: responseTopic(parts, this.#prefix, serialization === undefined ? 'json' : parts.type),
      verifiedOriginator: undefined,
    }
  }
}
