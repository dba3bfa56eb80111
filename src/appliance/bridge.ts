/** Bridges as the configuration has them: which brokers upstream, which topics, and how a connection to one is opened. */

import type { BridgeOptions, BridgeRule } from '../broker/broker.ts'
import { openConnection, parseBrokerUrl, readTls } from './broker-url.ts'
import { ConfigError } from './config-error.ts'
import { writeAddress } from './listen-address.ts'
import type { Settings } from './setting-table.ts'

/** `FILTER in|out|both QOS [LOCAL-PREFIX [REMOTE-PREFIX]]`, as the configuration has checked it; `""` is no prefix. */
function parseRule(rule: string): BridgeRule {
  const [filter = '', direction, qos, localPrefix = '""', remotePrefix = '""'] = rule.trim().split(/\s+/)
  const prefix = (text: string) => (text === '""' ? '' : text)
  return {
    filter,
    direction: direction as BridgeRule['direction'],
    qos: Number(qos) as BridgeRule['qos'],
    localPrefix: prefix(localPrefix),
    remotePrefix: prefix(remotePrefix),
  }
}

/** One bridge for each broker upstream; what it is called there and its address are its name. Throws ConfigError. */
export function bridgesOf({ bridge, cse }: Settings): readonly BridgeOptions[] {
  const names = new Set<string>()
  return bridge.upstreams.map((upstream, index) => {
    const table = `bridge.upstream[${index + 1}]`
    const url = parseBrokerUrl(upstream.url)
    if (url.prefix !== '')
      throw new ConfigError(table, `${table}.url ends in /${url.prefix}: prefixes are written with each topic`)
    const clientId = upstream.clientId || `fieldgate${cse.id.replace('/', '-')}`
    const name = `${clientId}@${writeAddress(url)}`
    // They would take the connection from each other, for ever.
    if (names.has(name))
      throw new ConfigError(
        table,
        `${table}: ${writeAddress(url)} is there twice: put all topics into one, or give each a client_id`,
      )
    names.add(name)
    const tls = readTls(table, upstream)
    const username = url.username || bridge.username
    const password = url.password || bridge.password
    return {
      name,
      rules: upstream.topics.map(parseRule),
      clientId,
      ...(username === '' ? {} : { username }),
      ...(password === '' ? {} : { password }),
      keepAliveMs: upstream.keepAliveMs,
      maxInflight: upstream.maxInflight,
      maxQueuedMessages: upstream.maxQueued,
      maxQueuedBytes: upstream.maxQueuedSizeBytes,
      random: Math.random,
      open: () => openConnection(url, tls),
    }
  })
}
