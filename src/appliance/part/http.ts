/** HTTP and WebSockets of a gateway, in both directions: requests that come to the CSE, and those that it sends. */

import { hash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { BrowserPolicy } from '../../bindings/browser-policy.ts'
import { HttpBinding, type Upgrade } from '../../bindings/http.ts'
import { HttpRequester } from '../../bindings/http-requester.ts'
import { Allowances, type Broker } from '../../broker/broker.ts'
import { HttpExchange } from '../../client/http-exchange.ts'
import type { Cse } from '../../cse/cse.ts'
import { readTls } from '../broker-url.ts'
import type { ListenAddress } from '../listen-address.ts'
import type { PartContext } from './part.ts'
import { identifyRequest, type Security } from './security.ts'

/** Resolves with the addresses that are listened on. */
export async function startHttp(
  context: PartContext,
  cse: Cse,
  broker: Broker,
  { authority, doors }: Security,
): Promise<readonly ListenAddress[]> {
  const { settings, log, clock, randomId, onStop } = context
  const exchange = new HttpExchange(readTls('http', settings.http))
  onStop(() => exchange.close())
  cse.use(
    new HttpRequester({
      exchange,
      credentials: [...settings.http.credentials, ...ofRegistrar(settings.registration.poa)],
    }),
  )
  const upgrade = settings.http.websocket ? await createWebSocket(context, cse) : undefined
  const allowances = new Allowances({
    clock,
    limits: {
      ...settings.http,
      maxConnecting: 0,
      maxMessageRate: settings.http.maxRequestRate,
      maxByteRate: settings.http.maxByteRateBytes,
    },
    refused(bound, remoteAddress) {
      log.warn('HTTP: a connection was refused: there are as many as its bound allows', {
        bound: `http.${bound}`,
        remoteAddress,
      })
    },
  })
  const allowance = {
    maxOutstanding: settings.http.maxOutstanding,
    admits: (socket: Duplex) => allowances.admits(socket),
    take: (sender: string, requests: number, bytes: number) => allowances.take(sender, requests, bytes),
  }
  const binding = new HttpBinding({
    listeners: [
      ...doors.http,
      ...doors.httpTls.map((address) => ({ ...address, ...(doors.tls && { tls: doors.tls }) })),
    ],
    browsers: new BrowserPolicy(settings.http.allowedOrigins),
    handler: cse,
    identify: (incoming) => identifyRequest(authority, incoming),
    clock,
    log,
    newRequestIdentifier: randomId,
    digest: (body) => hash('sha1', body, 'base64url'),
    maxBodyBytes: settings.http.maxBodySizeBytes,
    maxConnections: settings.http.maxConnections,
    maxHeaderBytes: settings.http.maxHeaderSizeBytes,
    headersTimeoutMs: settings.http.headersTimeoutMs,
    requestTimeoutMs: settings.http.requestTimeoutMs,
    allowance,
    ...(upgrade === undefined ? {} : { upgrade }),
  })
  onStop(() => binding.stop())
  broker.showBounds(() => ({ ...binding.statistics }))
  // Before the listeners, which wait for all of their connections.
  if (upgrade !== undefined) onStop(() => upgrade.stop())
  await binding.start()
  // What is shown as the addresses of the gateway is where it speaks plain HTTP.
  return binding.addresses.slice(0, doors.http.length)
}

function ofRegistrar(pointsOfAccess: readonly string[]): readonly string[] {
  return pointsOfAccess.filter((url) => url.startsWith('http'))
}

/** Loaded only where it is used: a gateway without it does not spend the memory. */
async function createWebSocket(
  { settings, log, clock }: PartContext,
  cse: Cse,
): Promise<Upgrade & { stop(): Promise<void> }> {
  const { WebSocketBinding } = await import('../../bindings/websocket.ts')
  const own = { cseId: settings.cse.id, spId: settings.cse.spId }
  const binding = new WebSocketBinding({
    handler: cse,
    own,
    clock,
    log,
    maxMessageBytes: settings.http.maxBodySizeBytes,
  })
  binding.start()
  cse.use(binding)
  return binding
}
