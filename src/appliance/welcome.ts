/** What somebody who has just started a gateway wants to know: where it is, and what to type next. */

import type { GatewayAddresses } from './gateway.ts'
import type { Settings } from './setting-table.ts'
import { version } from './version.ts'

interface WelcomeFacts {
  readonly settings: Settings
  readonly dataDirectory: string
  readonly addresses: GatewayAddresses
  readonly startMs: number
  readonly environment: Readonly<Record<string, string | undefined>>
}

export function writeWelcome({ settings, dataDirectory, addresses, startMs, environment }: WelcomeFacts): string {
  const { id, name } = settings.cse
  const mqtt = addresses.mqtt[0]?.replace('127.0.0.1', 'localhost')
  const http = addresses.http[0]?.replace('127.0.0.1', 'localhost')
  const command = environment['npm_lifecycle_event'] === undefined ? 'fieldgate' : 'npm run -s fieldgate --'
  const url = http === undefined || http === 'localhost:8000' ? '' : ` --url http://${http}`
  return [
    `Fieldgate ${version} is ready after ${startMs} ms; Ctrl-C stops it.`,
    '',
    `  MQTT broker  ${mqtt ? `mqtt://${mqtt}` : 'off (mqtt.listen is empty)'}`,
    `  CSE          ${id}`,
    ...(mqtt ? [`               mqtt://${mqtt}#${id.slice(1)}`] : []),
    ...(http ? [`               http://${http}/${name}`] : []),
    ...[...secure('mqtts', addresses.mqtts), ...secure('https', addresses.https)],
    `  State        ${dataDirectory}`,
    '',
    'Type next, in another terminal:',
    '',
    ...(http === undefined ? [] : [`  ${command} discover --tree${url}`]),
    ...(mqtt === undefined ? [] : [`  mosquitto_sub -v -p ${mqtt.split(':').at(-1)} -t '/oneM2M/#'`]),
    `  ${command} help`,
    '',
  ].join('\n')
}

function secure(scheme: string, addresses: readonly string[] = []): readonly string[] {
  return addresses.map((address) => `               ${scheme}://${address}`)
}
