/**
 * A client's requests over MQTT (TS-0010), and the requests of others to it. A request waits for its response through losses of the
 * connection: it is published again, as the same request, when the broker is back.
 */

import { isJsonObject, type Json } from '../onem2m/content.ts'
import {
  formatTopic,
  identifierToLevel,
  levelToIdentifier,
  type OneM2MTopic,
  parseTopic,
  responseTopic,
} from '../onem2m/mqtt-mapping.ts'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../onem2m/parameter.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive, ResponseTypeValue } from '../onem2m/primitive.ts'
import { encodeRefusal } from '../onem2m/refusal.ts'
import { parse, type Serialization, serialize } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { defer } from './deferred.ts'
import { type MqttEndpoint, parseUrl, readMqttEndpoint } from './endpoint.ts'
import { MqttConnection, type MqttConnectionOptions } from './mqtt-connection.ts'
import { Reception, type RequestReceiver } from './reception.ts'
import {
  type OneM2MResponseError,
  type SendOptions,
  type TlsOptions,
  type Transport,
  unreachable,
} from './transport.ts'

export interface MqttTransportOptions
  extends TlsOptions,
    Pick<MqttConnectionOptions, 'keepAliveMs' | 'maxPacketBytes' | 'random' | 'open'> {
  /**
   * The MQTT client identifier, such as `A::CAE01` (TS-0010 6.3). The broker then keeps a session under it, with what comes while this client
   * is away. Without it each client has an identifier of its own, and no session that outlasts its connection.
   */
  readonly clientId?: string
  readonly serialization?: Serialization
  /** False has requests fail at once while there is no broker; otherwise they wait for it until their time-out. */
  readonly awaitsBroker?: boolean
  /** Called when the broker can be used, first and after each loss. */
  readonly connected?: () => void
  /** Called with the reason when the connection is lost or can't be made. */
  readonly disconnected?: (reason: string) => void
}

interface Pending {
  readonly topic: string
  readonly payload: Buffer | string
  /** The topic on which the response comes is subscribed to. */
  isReady: boolean
  resolve(response: ResponsePrimitive): void
  reject(reason: unknown): void
}

/** Requests that wait for a response; more are refused. */
const maxPending = 1024

export class MqttTransport implements Transport {
  readonly #endpoint: MqttEndpoint
  readonly #options: MqttTransportOptions
  readonly #connection: MqttConnection
  readonly #clientId: string
  readonly #pending = new Map<string, Pending>()
  readonly #receptions = new Map<string, Reception>()
  /** Why there is no connection. */
  #complaint = 'not connected yet'
  #isClosed = false

  /** `url`: `mqtt://user:password@host:1883/prefix#mn-cse-1`. Nothing is opened before the first request. Throws TypeError. */
  constructor(url: URL | string, options: MqttTransportOptions = {}) {
    this.#endpoint = readMqttEndpoint(typeof url === 'string' ? parseUrl(url) : url)
    this.#options = options
    this.#clientId = options.clientId ?? anyClientId()
    this.#connection = new MqttConnection({
      ...options,
      endpoint: this.#endpoint,
      clientId: this.#clientId,
      isClean: options.clientId === undefined,
      received: (topic, payload) => this.#received(topic, payload),
      up: () => {
        for (const each of this.#pending.values()) if (each.isReady) this.#connection.publish(each.topic, each.payload)
        options.connected?.()
      },
      down: (reason, isRefused) => {
        this.#complaint = reason
        if (isRefused || options.awaitsBroker === false) this.#failAll(this.#unreachable(reason))
        options.disconnected?.(reason)
      },
    })
  }

  async send(request: RequestPrimitive, { timeoutMs, signal }: SendOptions): Promise<ResponsePrimitive> {
    signal?.throwIfAborted()
    this.#assertOpen()
    const { serialization = 'json' } = this.#options
    const parties = this.#partiesOf(request)
    const key = pendingKey(parties.originator, request.requestIdentifier)
    if (this.#pending.has(key)) throw this.#unreachable(`request ${request.requestIdentifier} waits for its response`)
    if (this.#pending.size >= maxPending) throw this.#unreachable(`${maxPending} requests wait for their responses`)
    const { promise, resolve, reject } = defer<ResponsePrimitive>()
    const pending: Pending = {
      topic: formatTopic({ ...parties, type: serialization }, this.#endpoint.prefix),
      payload: serialize(encodeRequest(request), serialization),
      isReady: false,
      resolve,
      reject,
    }
    const timer = setTimeout(() => reject(this.#late(timeoutMs)), timeoutMs)
    const abort = () => reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    this.#pending.set(key, pending)
    try {
      this.#connection.start()
      // Before the request is published: the response would come while nobody listens.
      const filter = formatTopic(
        { ...parties, kind: answerKind(parties.kind), receiver: '#', type: undefined },
        this.#endpoint.prefix,
      )
      void this.#connection.subscribe(filter).then(
        () => this.#publish(key, pending, request),
        (error: Error) => reject(this.#unreachable(error.message)),
      )
      return await promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      this.#pending.delete(key)
    }
  }

  async serve(identity: string, receive: RequestReceiver): Promise<string> {
    this.#assertOpen()
    const { prefix, receiver, pointOfAccess } = this.#endpoint
    const level = levelOf(identity)
    // The CSE may name an AE by its stem or together with its own name, TS-0010 6.4.2.
    const other = level.includes(':') ? level.slice(level.indexOf(':') + 1) : receiver && `${receiver}:${level}`
    const levels = [level, ...(other ? [other] : [])]
    const reception = new Reception(receive)
    for (const each of levels) this.#receptions.set(each, reception)
    this.#connection.start()
    await Promise.all(
      levels.map((each) =>
        this.#connection.subscribe(formatTopic({ kind: 'req', originator: '+', receiver: each, type: '#' }, prefix)),
      ),
    )
    return pointOfAccess
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#failAll(this.#closed())
    await this.#connection.stop()
  }

  /** A request that comes late would open a connection that nobody closes. */
  #assertOpen(): void {
    if (this.#isClosed) throw this.#closed()
  }

  #closed(): OneM2MResponseError {
    return this.#unreachable('this client was closed')
  }

  #publish(key: string, pending: Pending, request: RequestPrimitive): void {
    if (this.#pending.get(key) !== pending) return
    pending.isReady = true
    const isSent = this.#connection.publish(pending.topic, pending.payload)
    if (request.responseType?.responseTypeValue === ResponseTypeValue.NO_RESPONSE && isSent)
      pending.resolve({ responseStatusCode: Status.OK, requestIdentifier: request.requestIdentifier })
  }

  #partiesOf({ originator, to }: RequestPrimitive): Omit<OneM2MTopic, 'type'> {
    const receiver = this.#endpoint.receiver ?? cseOf(to)
    if (receiver === undefined)
      throw this.#unreachable(
        `${to}: names no CSE; write the CSE-ID into the URL, as in ${this.#endpoint.pointOfAccess}#mn-cse-1, or into the target, as in /mn-cse-1/${to}`,
      )
    // TS-0010 6.4.4: who has no identifier yet goes by the name of its credential.
    const isNew = originator === undefined || originator === 'C' || originator === 'S'
    return isNew
      ? { kind: 'reg_req', originator: this.#clientId.replaceAll('/', ':'), receiver }
      : { kind: 'req', originator: levelOf(originator), receiver }
  }

  #received(topic: string, payload: Buffer): void {
    const parts = parseTopic(topic, this.#endpoint.prefix)
    if (parts === undefined) return
    const serialization: Serialization = parts.type === 'cbor' ? 'cbor' : 'json'
    if (parts.kind === 'req') void this.#serve(parts, payload, serialization)
    else this.#answered(parts, payload, serialization)
  }

  /** Mobius publishes each response twice; a copy finds nobody waiting. */
  #answered(parts: OneM2MTopic, payload: Buffer, serialization: Serialization): void {
    try {
      const response = decodeResponse(parse(payload, serialization, 'payload'))
      this.#pending.get(pendingKey(parts.originator, response.requestIdentifier))?.resolve(response)
    } catch (error) {
      // Nobody can be told whose response this was: its request ends with its time-out.
      if (!(error instanceof OneM2MError)) throw error
    }
  }

  async #serve(parts: OneM2MTopic, payload: Buffer, serialization: Serialization): Promise<void> {
    const reception = this.#receptions.get(parts.receiver)
    if (reception === undefined) return
    let wire: Json = null
    let text: string
    try {
      wire = parse(payload, serialization, 'payload')
      const request = bareNotification(parts, wire) ?? decodeRequest(wire)
      const response = await reception.take(request)
      if (request.responseType?.responseTypeValue === ResponseTypeValue.NO_RESPONSE) return
      text = encodeResponse(response)
    } catch (error) {
      if (!(error instanceof OneM2MError)) throw error
      text = encodeRefusal(error, wire, payload)
    }
    this.#connection.publish(responseTopic(parts, this.#endpoint.prefix), serialize(text, serialization))
  }

  #failAll(reason: OneM2MResponseError): void {
    for (const each of this.#pending.values()) each.reject(reason)
  }

  #late(timeoutMs: number): OneM2MResponseError {
    return this.#unreachable(`no response in ${timeoutMs} ms${this.#connection.isUp ? '' : ` (${this.#complaint})`}`)
  }

  #unreachable(text: string): OneM2MResponseError {
    return unreachable(`${this.#endpoint.pointOfAccess}: ${text}`)
  }
}

/** No entity's (TS-0010 6.3 has `A::` and `C::` for those), of 23 letters and digits, which every broker takes. [MQTT-3.1.3-5] */
function anyClientId(): string {
  return `fieldgate${globalThis.crypto.randomUUID().replaceAll('-', '').slice(0, 14)}`
}

/** tinyIoT sends notifications without the primitive around them, and waits for no response. */
function bareNotification({ originator, receiver }: OneM2MTopic, wire: Json): RequestPrimitive | undefined {
  if (!isJsonObject(wire) || wire['m2m:sgn'] === undefined || wire['op'] !== undefined) return undefined
  return {
    operation: Operation.NOTIFY,
    to: receiver,
    originator: levelToIdentifier(originator),
    requestIdentifier: globalThis.crypto.randomUUID(),
    responseType: { responseTypeValue: ResponseTypeValue.NO_RESPONSE },
    content: wire,
  }
}

function answerKind(kind: OneM2MTopic['kind']): OneM2MTopic['kind'] {
  return kind === 'reg_req' ? 'reg_resp' : 'resp'
}

function pendingKey(level: string, requestIdentifier: string): string {
  return `${level}\0${requestIdentifier}`
}

/** Within one service provider, which is where MQTT is spoken, its name is left out: `//openmtc.org/mn-cse-1/CAE01` is `mn-cse-1:CAE01`. */
function levelOf(identifier: string): string {
  return identifierToLevel(identifier.replace(/^\/\/[^/]+(?=\/)/, ''))
}

/** The CSE that a SP-relative or absolute address names: `/mn-cse-1/onem2m`, `//openmtc.org/mn-cse-1/onem2m`. */
function cseOf(to: string): string | undefined {
  return /^(?:\/\/[^/]+)?\/([^/]+)/.exec(to)?.[1]
}
