/** Values that are fetched over HTTP: one sampler for each address. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter, Reading } from '../adapter.ts'
import { readPayload } from '../payload.ts'
import { withSettings } from '../point.ts'
import type { httpPollTable } from './setting-table.ts'

export type HttpPollSettings = SettingsOf<typeof httpPollTable.settings>

type Source = HttpPollSettings['sources'][number]

const maxAnswerBytes = 262_144

export const httpPoll: Adapter<HttpPollSettings> = {
  /** Nothing on this machine tells which addresses are of interest. */
  async probe() {
    return []
  },

  async start({ settings, sample }) {
    for (const source of settings.sources)
      sample({
        name: source.name,
        periodMs: source.periodMs,
        timeoutMs: source.timeoutMs,
        read: (signal) => fetchReadings(source, signal),
      })
  },
}

async function fetchReadings(source: Source, signal: AbortSignal): Promise<readonly Reading[]> {
  const headers = source.headers.map((header) => header.split(/: ?(.*)/s, 2) as [string, string])
  const response = await fetch(source.url, { headers, signal }).catch((error: Error) => {
    throw new Error(`${source.url}: ${error.cause instanceof Error ? error.cause.message : error.message}`)
  })
  const body = await readBody(response)
  if (!response.ok) throw new Error(`${source.url} answers ${response.status} ${response.statusText}`)
  const point = withSettings({ path: source.name, device: source.name.split('/')[0] }, source)
  return readPayload(body, source.codec, point, source.select)
}

async function readBody(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new Error(`an answer of more than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
