/** What can be set about values that are fetched over HTTP. */

import { adapterTable } from '../adapter.ts'
import { codecs } from '../payload.ts'
import { pointRows } from '../point.ts'

const sourceRows = [
  { key: 'name', type: 'string', isRequired: true, text: 'Where the value goes, below the AE.' },
  { key: 'url', type: 'string', isRequired: true, text: 'What is fetched: "http://192.168.1.20/status".' },
  {
    key: 'period',
    type: 'duration',
    default: '1min',
    minimum: 1000,
    maximum: 86_400_000,
    text: 'Time between two fetches.',
  },
  {
    key: 'timeout',
    type: 'duration',
    default: '10s',
    minimum: 100,
    maximum: 300_000,
    text: 'How long an answer may take.',
  },
  { key: 'headers', type: 'list', default: [], text: 'Header fields: "Authorization: Bearer ...".' },
  {
    key: 'codec',
    type: 'string',
    choices: codecs,
    default: 'json',
    text: 'What the answer is. Of JSON, each member becomes a point below the name.',
  },
  { key: 'select', type: 'string', text: 'The JSON pointer of the member that counts, such as "/main/temp".' },
  ...pointRows,
] as const

export const httpPollTable = adapterTable({
  name: 'http-poll',
  isEnabled: false,
  text: 'Fetches values over HTTP at a steady pace.',
  settings: [{ key: 'source', type: 'tables', rows: sourceRows, text: 'An address that is fetched.' }],
  check: ({ sources }) =>
    sources.flatMap(({ url, headers }, index) => {
      const key = (name: string) => `source[${index + 1}].${name}`
      const isUrl = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
      const wrong = headers.filter((header) => !/^[\w-]+: ?\S/.test(header))
      return [
        ...(isUrl ? [] : [{ key: key('url'), text: `${url}: must begin with http:// or https://` }]),
        ...wrong.map((header) => ({ key: key('headers'), text: `${header}: must be a name, a colon and a value` })),
      ]
    }),
})
