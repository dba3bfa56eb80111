import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as proc from '../../../src/adapters/system/proc.ts'
import '../../property.ts'

const files = {
  'proc/loadavg': proc.parseLoad,
  'proc/stat': proc.parseCpuTimes,
  'proc/meminfo': proc.parseMemory,
  'proc/net/dev': proc.parseTraffic,
  'proc/diskstats': (text: string) => proc.parseDiskTraffic(text, 179, 2),
  'proc/uptime': proc.parseUptime,
  'sys/class/thermal/thermal_zone0/temp': proc.parseTemperature,
}

/** Every number anywhere in a value. */
function numbersIn(value: unknown): readonly number[] {
  if (typeof value === 'number') return [value]
  if (value instanceof Map) return [...value.values()].flatMap(numbersIn)
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

/** A text of the kernel with something cut out of it and something else in its place. */
function damaged(text: string): fc.Arbitrary<string> {
  const junk = fc.oneof(
    fc.constant(''),
    fc.string({ maxLength: 8 }),
    fc.stringMatching(/^[-\d .e]{1,400}$/),
    fc.constantFrom('NaN', 'Infinity', '-1', '1e999', '\0\0\0', '9'.repeat(320)),
  )
  return fc
    .tuple(fc.nat(text.length), fc.nat(text.length), junk)
    .map(([from, length, insert]) => text.slice(0, from) + insert + text.slice(from + (length % 40)))
}

describe('a file of the kernel', () => {
  for (const [path, parse] of Object.entries(files)) {
    const text = readFileSync(new URL(`cases/pi-4/${path}`, import.meta.url), 'utf8')

    it(`gives finite figures or none, whatever it says: ${path}`, () => {
      assert.ok(numbersIn(parse(text)).length > 0)
      const texts = fc.oneof(damaged(text), fc.string({ unit: 'binary' }))
      fc.assert(
        fc.property(texts, (damagedText) => {
          const least = parse === proc.parseTemperature ? -60 : 0
          for (const figure of numbersIn(parse(damagedText)))
            assert.ok(Number.isFinite(figure) && figure >= least, `${figure} from ${JSON.stringify(damagedText)}`)
        }),
        { numRuns: 150 },
      )
    })
  }
})
