/** A gateway with accounts, without a port: its broker and HTTP binding at the ends of streams, from wherever a test says they come. */

import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Duplex, duplexPair } from 'node:stream'
import { after } from 'node:test'
import { brokerAuthority, identifyRequest, watchRights } from '../../src/appliance/part/security.ts'
import { HttpBinding } from '../../src/bindings/http.ts'
import { MqttBinding } from '../../src/bindings/mqtt.ts'
import { WebSocketBinding } from '../../src/bindings/websocket.ts'
import { Broker } from '../../src/broker/broker.ts'
import { matchesFilter } from '../../src/broker/filter-tree.ts'
import { Cse } from '../../src/cse/cse.ts'
import type { LogFields } from '../../src/onem2m/log.ts'
import { resourceTypes } from '../../src/resources/index.ts'
import { type Account, writeAccounts } from '../../src/security/account-book.ts'
import { Authority } from '../../src/security/authority.ts'
import { digestToken, hashPassword } from '../../src/security/password.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { StoreValue } from '../../src/store/store.ts'
import { ManualClock, own } from '../bindings/fixture.ts'
import { openWebSocket, type WebSocketClient } from '../bindings/websocket-client.ts'
import { limits, type Remote, TestClient } from '../broker/client.ts'
import { settings } from '../cse/kit.ts'

export const network = '192.0.2.7'

export interface HttpAnswer {
  readonly status: number
  readonly responseStatusCode: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** The accounts of the tests; each has its name for a password and `token-NAME` for a token. */
export async function accountsOf(
  ...accounts: readonly Omit<Account, 'password' | 'tokens'>[]
): Promise<readonly Account[]> {
  return Promise.all(
    accounts.map(async (account) => ({
      ...account,
      password: await hashPassword(account.name, { N: 16, r: 1, p: 1 }),
      tokens: [{ name: 'test', digest: digestToken(`token-${account.name}`) }],
    })),
  )
}

export class House {
  readonly clock = new ManualClock()
  readonly warnings: { readonly message: string; readonly fields: LogFields }[] = []
  readonly accountFile: string
  readonly store: MemoryStore
  readonly cse: Cse
  readonly broker: Broker
  readonly authority: Authority
  readonly #http: HttpBinding
  readonly #websocket: WebSocketBinding
  #identifiers = 0

  private constructor(directory: string, data?: Map<string, StoreValue>) {
    const { clock } = this
    const warn = (message: string, fields: LogFields = {}) => void this.warnings.push({ message, fields })
    const log = { debug() {}, info() {}, warn, error: warn }
    this.accountFile = join(directory, 'accounts.json')
    this.store = new MemoryStore({ clock, ...(data === undefined ? {} : { data }) })
    this.cse = new Cse({
      store: this.store,
      clock,
      log,
      randomId: () => `x${(this.#identifiers++).toString(36).padStart(8, '0')}`,
      resourceTypes,
      settings: { ...settings, administrators: [] },
    })
    this.authority = new Authority({
      accountFile: this.accountFile,
      own,
      allowsAnonymous: false,
      clock,
      log,
      mayUse: (principal, entity) =>
        this.cse.mayUse(entity, { source: 'network', ...(principal ? { principal } : {}) }),
      mayRegister: (principal, entity) => this.cse.mayRegister(entity, { source: 'network', principal }),
      matches: matchesFilter,
    })
    this.broker = new Broker({
      store: this.store,
      clock,
      log,
      listen: [],
      limits,
      authority: brokerAuthority(this.authority),
    })
    const binding = new MqttBinding({ broker: this.broker, handler: this.cse, own, clock, log })
    binding.start()
    this.cse.use(binding)
    this.#websocket = new WebSocketBinding({ handler: this.cse, own, clock, log })
    this.#websocket.start()
    this.#http = new HttpBinding({
      listeners: [],
      handler: this.cse,
      clock,
      log,
      newRequestIdentifier: () => `h${this.#identifiers++}`,
      identify: (incoming) => identifyRequest(this.authority, incoming),
      upgrade: this.#websocket,
    })
  }

  static async open(accounts: readonly Account[], data?: Map<string, StoreValue>): Promise<House> {
    const directory = mkdtempSync(join(tmpdir(), 'fieldgate-security-'))
    after(() => rmSync(directory, { recursive: true, force: true }))
    const house = new House(directory, data)
    writeAccounts(house.accountFile, accounts)
    watchRights(house.authority, house.cse, house.broker)
    await house.cse.start()
    await house.broker.start()
    after(() => house.stop())
    return house
  }

  /** An MQTT client from the network, by name and password. */
  login(name: string, options: Parameters<typeof TestClient.connect>[2] & { readonly clientId?: string } = {}) {
    const { clientId = `${name}-device`, ...rest } = options
    const remote: Remote = { remoteAddress: network }
    return TestClient.connect(this.broker, clientId, { username: name, password: name, remote, ...rest })
  }

  http(
    path: string,
    headers: Readonly<Record<string, string>>,
    options: {
      readonly body?: object
      readonly remoteAddress?: string
      readonly certificateUri?: string
      readonly method?: string
    } = {},
  ): Promise<HttpAnswer> {
    const { body, remoteAddress = network, certificateUri, method = body === undefined ? 'GET' : 'POST' } = options
    const [near, far] = duplexPair() as [Duplex, Duplex]
    this.#http.createServer().emit('connection', Object.assign(far, tlsSocket(remoteAddress, certificateUri)))
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({ method, path, headers, createConnection: () => near as never }, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            responseStatusCode: Number(incoming.headers['x-m2m-rsc']),
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        )
      })
      outgoing.once('error', reject)
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  /** oneM2M over a WebSocket. */
  websocket(
    headers: Readonly<Record<string, string>>,
    {
      remoteAddress = network,
      certificateUri,
    }: { readonly remoteAddress?: string; readonly certificateUri?: string } = {},
  ): Promise<WebSocketClient> {
    return openWebSocket(this.#http, ['oneM2M.json'], headers, tlsSocket(remoteAddress, certificateUri))
  }

  async stop(): Promise<void> {
    await this.#websocket.stop()
    await this.broker.stop()
    this.cse.stop()
  }
}

/** What is asked of a socket: where it comes from, and which certificate was shown that is good. */
function tlsSocket(remoteAddress: string, certificateUri: string | undefined): object {
  if (certificateUri === undefined) return { remoteAddress }
  return { remoteAddress, authorized: true, getPeerCertificate: () => ({ subjectaltname: `URI:${certificateUri}` }) }
}

export function basic(name: string, password = name): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}
