/** Lists and starts the training applications: `npm run training -- sensor-ipe --url mqtt://localhost#mn-cse-1`. */

import { parseArgs } from 'node:util'
import { examples, finals } from './index.ts'
import type { Lesson } from './lesson.ts'

const lessons = [...examples, ...finals]

function list(some: readonly Lesson[]): string {
  return some.map(({ name, text }) => `  ${name.padEnd(16)}${text}`).join('\n')
}

const usage = `Usage: npm run training -- NAME [--url URL] [--poa URL] [--originator-prefix PREFIX] [--place ADDRESS] [--name NAME]

Examples:
${list(examples)}

Applications:
${list(finals)}

  --url                where the CSE is: mqtt://localhost#mn-cse-1 (default), http://localhost:8000, mqtts://user:password@broker#in-cse-1
  --poa                where notifications are to come: mqtt://localhost:1883, http://localhost:21345; the way of requests by default
  --originator-prefix  what precedes the AE-ID: //openmtc.org/mn-cse-1
  --place              where things are looked for: onem2m (default); /mn-cse-1/onem2m for those of another CSE
  --name               of the AE, where the one of the application is taken
`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string', default: 'mqtt://localhost#mn-cse-1' },
      poa: { type: 'string', multiple: true },
      'originator-prefix': { type: 'string' },
      place: { type: 'string', default: 'onem2m' },
      name: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [wanted] = positionals
  const lesson = lessons.find((each) => each.name === wanted)
  if (values.help || lesson === undefined) {
    console.log(wanted === undefined || values.help ? usage : `There is no application ${wanted}.\n\n${usage}`)
    return wanted === undefined || values.help ? 0 : 64
  }
  const { url, place, name, poa: pointsOfAccess, 'originator-prefix': originatorPrefix } = values
  const say = (message: string, fields: object = {}) => console.error(message, ...Object.values(fields))
  const log = { debug() {}, info() {}, warn: say, error: say }
  const options = { ...(pointsOfAccess && { pointsOfAccess }), ...(originatorPrefix && { originatorPrefix }) }
  const outcome = await lesson.play({
    url,
    place,
    application: { url, log, ...(name && { name }), ...options },
    print: console.log,
  })
  return typeof outcome === 'number' ? outcome : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  // A URL or an option that can't be read, a CSE that refuses.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
