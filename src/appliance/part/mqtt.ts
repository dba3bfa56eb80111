/** MQTT of a gateway: the embedded broker and the oneM2M binding on it, how both are set up and end together, and the way to other brokers. */

import { createServer } from 'node:net'
import { hostname } from 'node:os'
import { MqttBinding } from '../../bindings/mqtt.ts'
import { MqttNetwork, placeOf } from '../../bindings/mqtt-network.ts'
import { MAX_PENDING } from '../../bindings/mqtt-requester.ts'
import { ResponseWait } from '../../bindings/response-wait.ts'
import { Broker, type BrokerLimits } from '../../broker/broker.ts'
import type { Cse } from '../../cse/cse.ts'
import type { LevelStore } from '../../store/level-store.ts'
import { bridgesOf } from '../bridge.ts'
import { isLoopback, type ListenAddress, reachableAddresses, writeAddress } from '../listen-address.ts'
import type { Settings } from '../setting-table.ts'
import type { PartContext } from './part.ts'
import { RemoteBrokers } from './remote-broker.ts'
import { brokerAuthority, type Security, watchRights } from './security.ts'

/** How long the stop waits for the responses to requests over MQTT. */
const drainMs = 2000

export interface MqttPart {
  readonly broker: Broker
  /** Where the broker speaks plain MQTT. */
  readonly addresses: readonly ListenAddress[]
  readonly brokers: RemoteBrokers
}

/** The binding takes its topics before the first client connects, and answers what it took before the last one is disconnected. */
export async function startMqtt(
  context: PartContext,
  store: LevelStore,
  cse: Cse,
  { authority, doors }: Security,
): Promise<MqttPart> {
  const { settings, log, clock, onStop } = context
  const wait = new ResponseWait({ clock, limit: MAX_PENDING })
  const wanted = doors.mqtt
  const joined = settings.mqtt.join ? await findTaken(wanted) : undefined
  const listen = joined === undefined ? wanted : []
  const broker = createBroker(context, store, listen, { authority, doors })
  watchRights(authority, cse, broker)
  const own = { cseId: settings.cse.id, spId: settings.cse.spId }
  const binding = new MqttBinding({ broker, handler: cse, own, clock, log, parkMs: settings.mqtt.responseParkMs, wait })
  onStop(() => broker.stop())
  onStop(async () => {
    binding.stop()
    const deadlineMs = clock.monotonicMs() + drainMs
    while (binding.inFlight > 0 && clock.monotonicMs() < deadlineMs)
      await new Promise<void>((resolve) => clock.after(5, resolve))
  })
  binding.start()
  const addresses = (await broker.start()).slice(0, listen.length)
  const brokers = new RemoteBrokers(context, cse, wait)
  const open = (url: string) => brokers.open(url)
  const network = new MqttNetwork({ home: binding, homePlaces: placesOf(addresses), open })
  const urls = settings.brokers.urls
  for (const url of joined === undefined ? urls : [`mqtt://${writeAddress(joined)}`, ...urls])
    network.add(url, open(url))
  if (joined !== undefined)
    log.info('another broker listens already: this CSE is its client', { broker: writeAddress(joined) })
  cse.use(network)
  return { broker, addresses, brokers }
}

/** How a point of access may name the broker that runs here. */
function placesOf(addresses: readonly ListenAddress[]): readonly string[] {
  const hosts = (host: string) =>
    isLoopback(host) ? [host, 'localhost'] : host === '0.0.0.0' || host === '::' ? ['localhost', hostname()] : [host]
  const listed = [...addresses, ...reachableAddresses(addresses, true)]
  return listed.flatMap(({ host, port }) =>
    hosts(host).map((name) => placeOf(`mqtt://${writeAddress({ host: name, port })}`)),
  )
}

/** The first of these addresses where somebody listens already. */
async function findTaken(addresses: readonly ListenAddress[]): Promise<ListenAddress | undefined> {
  for (const address of addresses) {
    const isTaken = await new Promise<boolean>((resolve) => {
      const probe = createServer()
      probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'))
      probe.listen(address, () => probe.close(() => resolve(false)))
    })
    if (isTaken) return address
  }
  return undefined
}

function createBroker(
  { settings, log, clock }: PartContext,
  store: LevelStore,
  listen: readonly ListenAddress[],
  { authority, doors }: Security,
): Broker {
  const { mqtt } = settings
  const { tls } = doors
  return new Broker({
    store,
    clock,
    log,
    listen: [
      ...listen,
      ...doors.webSocket.map((address) => ({ ...address, transport: 'websocket' as const })),
      ...doors.mqttTls.map((address) => ({ ...address, ...(tls && { tls }) })),
      ...doors.webSocketTls.map((address) => ({ ...address, transport: 'websocket' as const, ...(tls && { tls }) })),
      ...(mqtt.unixSocket === '' ? [] : [{ path: mqtt.unixSocket }]),
    ],
    authority: brokerAuthority(authority),
    bridges: bridgesOf(settings),
    limits: limitsOf(mqtt),
  })
}

/** The bounds of the broker as the configuration has them. */
export function limitsOf(mqtt: Settings['mqtt']): BrokerLimits {
  return {
    maxConnections: mqtt.maxConnections,
    maxConnectionsPerAddress: mqtt.maxConnectionsPerAddress,
    maxConnectRate: mqtt.maxConnectRate,
    maxMessageRate: mqtt.maxMessageRate,
    maxByteRate: mqtt.maxByteRateBytes,
    maxPacketBytes: mqtt.maxPacketSizeBytes,
    maxTopicLevels: mqtt.maxTopicLevels,
    maxTopicBytes: mqtt.maxTopicSizeBytes,
    maxClientIdBytes: mqtt.maxClientIdSizeBytes,
    maxUnfinishedBytes: mqtt.maxUnfinishedSizeBytes,
    maxSubscriptionsPerClient: mqtt.maxSubscriptions,
    maxSubscriptionsTotalBytes: mqtt.maxSubscriptionsTotalSizeBytes,
    maxRetainedMessages: mqtt.maxRetained,
    maxRetainedBytes: mqtt.maxRetainedSizeBytes,
    maxInflightInbound: mqtt.maxInflightInbound,
    maxInflight: mqtt.maxInflight,
    maxQueuedMessages: mqtt.maxQueued,
    maxQueuedBytes: mqtt.maxQueuedSizeBytes,
    maxQueuedTotalBytes: mqtt.maxQueuedTotalSizeBytes,
    maxSessions: mqtt.maxSessions,
    sessionExpiryMs: mqtt.sessionExpiryMs,
    maxConnecting: mqtt.maxConnecting,
    connectTimeoutMs: mqtt.connectTimeoutMs,
    slowConsumerDropBytes: mqtt.slowConsumerDropSizeBytes,
    slowConsumerCloseBytes: mqtt.slowConsumerCloseSizeBytes,
    maxParkedMessages: mqtt.maxParked,
    maxParkedBytes: mqtt.maxParkedSizeBytes,
  }
}
