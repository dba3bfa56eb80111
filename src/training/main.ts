/** Lists and starts the training applications: `npm run training -- sensor-ipe --url mqtt://localhost#mn-cse-1`. */

import { parseArgs } from 'node:util'
import { finals } from './index.ts'

const lessons = finals

const usage = `Usage: npm run training -- NAME [--url URL] [--poa URL] [--originator-prefix PREFIX] [--place ADDRESS]

Applications:
${finals.map(({ name, text }) => `  ${name.padEnd(16)}${text}`).join('\n')}

  --url                where the CSE is: mqtt://localhost#mn-cse-1 (default), http://localhost:8000, mqtts://user:password@broker#in-cse-1
  --poa                where notifications are to come: mqtt://localhost:1883, http://localhost:21345; the way of requests by default
  --originator-prefix  what precedes the AE-ID: //openmtc.org/mn-cse-1
  --place              where things are looked for: onem2m (default); /mn-cse-1/onem2m for those of another CSE
`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string', default: 'mqtt://localhost#mn-cse-1' },
      poa: { type: 'string', multiple: true },
      'originator-prefix': { type: 'string' },
      place: { type: 'string', default: 'onem2m' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [name] = positionals
  const lesson = lessons.find((each) => each.name === name)
  if (values.help || lesson === undefined) {
    console.log(name === undefined || values.help ? usage : `There is no application ${name}.\n\n${usage}`)
    return name === undefined || values.help ? 0 : 64
  }
  const { url, place, poa: pointsOfAccess, 'originator-prefix': originatorPrefix } = values
  const say = (message: string, fields: object = {}) => console.error(message, ...Object.values(fields))
  const log = { debug() {}, info() {}, warn: say, error: say }
  const options = { ...(pointsOfAccess && { pointsOfAccess }), ...(originatorPrefix && { originatorPrefix }) }
  const outcome = await lesson.play({ url, place, application: { url, log, ...options }, print: console.log })
  return typeof outcome === 'number' ? outcome : 0
}

process.exitCode = await main()
