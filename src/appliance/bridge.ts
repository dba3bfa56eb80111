/** Bridges as the configuration has them: which brokers upstream, which topics, and how a connection to one is opened. */

import { connect } from 'node:net'
import type { BridgeOptions, BridgeRule } from '../broker/broker.ts'
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

/** One bridge for each broker upstream, all with the same topics; its address is its name. */
export function bridgesOf({ bridge, cse }: Settings): readonly BridgeOptions[] {
  const rules = bridge.topics.map(parseRule)
  return bridge.upstream.map((address) => {
    const colon = address.lastIndexOf(':')
    const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
    const port = Number(address.slice(colon + 1))
    return {
      name: address,
      rules,
      clientId: bridge.clientId === '' ? `fieldgate${cse.id.replace('/', '-')}` : bridge.clientId,
      ...(bridge.username === '' ? {} : { username: bridge.username }),
      ...(bridge.password === '' ? {} : { password: bridge.password }),
      open: () => connect({ host, port, noDelay: true }),
    }
  })
}
