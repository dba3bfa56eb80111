/** The embedded broker of a gateway and the oneM2M binding on it: how both are set up, and how they end together. */

import { MqttBinding } from '../../bindings/mqtt.ts'
import { Broker } from '../../broker/broker.ts'
import type { Cse } from '../../cse/cse.ts'
import type { LevelStore } from '../../store/level-store.ts'
import { bridgesOf } from '../bridge.ts'
import { expandAddresses, type ListenAddress } from '../listen-address.ts'
import type { PartContext } from './part.ts'

/** How long the stop waits for the responses to requests over MQTT. */
const drainMs = 2000

/**
 * The binding takes its topics before the first client connects, and answers what it took before the last one is disconnected.
 * Resolves with the broker and the addresses where it speaks plain MQTT.
 */
export async function startMqtt(
  context: PartContext,
  store: LevelStore,
  cse: Cse,
): Promise<{ readonly broker: Broker; readonly addresses: readonly ListenAddress[] }> {
  const { settings, log, clock, onStop } = context
  const listen = expandAddresses(settings.mqtt.listen)
  const broker = createBroker(context, store, listen)
  const own = { cseId: settings.cse.id, spId: settings.cse.spId }
  const binding = new MqttBinding({ broker, handler: cse, own, clock, log, parkMs: settings.mqtt.responseParkMs })
  onStop(() => broker.stop())
  onStop(async () => {
    binding.stop()
    const deadlineMs = clock.monotonicMs() + drainMs
    while (binding.inFlight > 0 && clock.monotonicMs() < deadlineMs)
      await new Promise<void>((resolve) => clock.after(5, resolve))
  })
  binding.start()
  cse.use(binding)
  return { broker, addresses: (await broker.start()).slice(0, listen.length) }
}

function createBroker(
  { settings, log, clock }: PartContext,
  store: LevelStore,
  listen: readonly ListenAddress[],
): Broker {
  const { mqtt } = settings
  return new Broker({
    store,
    clock,
    log,
    listen: [
      ...listen,
      ...expandAddresses(mqtt.websocketListen).map((address) => ({ ...address, transport: 'websocket' as const })),
      ...(mqtt.unixSocket === '' ? [] : [{ path: mqtt.unixSocket }]),
    ],
    bridges: bridgesOf(settings),
    limits: {
      maxConnections: mqtt.maxConnections,
      maxPacketBytes: mqtt.maxPacketSizeBytes,
      maxTopicLevels: mqtt.maxTopicLevels,
      maxTopicBytes: mqtt.maxTopicSizeBytes,
      maxSubscriptionsPerClient: mqtt.maxSubscriptions,
      maxRetainedMessages: mqtt.maxRetained,
      maxRetainedBytes: mqtt.maxRetainedSizeBytes,
      maxInflightInbound: mqtt.maxInflightInbound,
      maxInflight: mqtt.maxInflight,
      maxQueuedMessages: mqtt.maxQueued,
      maxQueuedBytes: mqtt.maxQueuedSizeBytes,
      maxSessions: mqtt.maxSessions,
      sessionExpiryMs: mqtt.sessionExpiryMs,
      maxConnecting: mqtt.maxConnecting,
      connectTimeoutMs: mqtt.connectTimeoutMs,
      slowConsumerDropBytes: mqtt.slowConsumerDropSizeBytes,
      slowConsumerCloseBytes: mqtt.slowConsumerCloseSizeBytes,
      maxParkedMessages: mqtt.maxParked,
      maxParkedBytes: mqtt.maxParkedSizeBytes,
    },
  })
}
