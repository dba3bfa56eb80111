/** Devices that write lines on a serial port: how a line becomes readings, and a command a line. */

import { readdir } from 'node:fs/promises'
import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter, AdapterContext, Reading } from '../adapter.ts'
import { splitCsv } from '../csv.ts'
import { keepOpen } from '../keeping.ts'
import { LineSplitter } from '../line-splitter.ts'
import { leavesOf, numberOrText, parseJson } from '../payload.ts'
import { withSettings } from '../point.ts'
import { Rate } from '../rate.ts'
import { SerialPort } from '../serial-port.ts'
import { readSentence } from './nmea.ts'
import type { serialLineTable } from './setting-table.ts'

export type SerialLineSettings = SettingsOf<typeof serialLineTable.settings>

type PortSettings = SerialLineSettings['ports'][number]

/** How often lines are expected, for the number of instances to keep. */
const expectedPeriodMs = 10_000

export const serialLine: Adapter<SerialLineSettings> = {
  async probe() {
    const list = (path: string) => readdir(path).catch(() => [])
    const stable = (await list('/dev/serial/by-id')).map((name) => `/dev/serial/by-id/${name}`)
    const plain = (await list('/dev'))
      .filter((name) => /^tty(?:USB|ACM|AMA)\d+$/.test(name))
      .map((name) => `/dev/${name}`)
    // A port that has a lasting name is listed by that one.
    const paths = stable.length > 0 ? stable : plain
    return paths.map((path, index) => ({
      text: `${path}: say what its lines are (format), and how fast it is (baud)`,
      settings: { port: [{ name: `port-${index + 1}`, path, baud: 9600, format: 'json' }] },
    }))
  },

  async start(context) {
    for (const settings of context.settings.ports) attend(context, settings)
  },
}

function attend(context: AdapterContext<SerialLineSettings>, settings: PortSettings): void {
  const { push, report, signal, clock, actuate } = context
  const { name, path } = settings
  const rate = new Rate(clock, settings.maxRate, (text) => report(`${name}: rate`, text))
  const readLine = lineReader(settings)
  const answers = new Set<(line: string) => void>()
  let port: SerialPort | undefined

  const take = (line: string): void => {
    for (const answer of answers) answer(line)
    if (!rate.allows()) return
    try {
      push(readLine(line), expectedPeriodMs)
      report(name)
    } catch (error) {
      report(name, error instanceof Error ? error.message : String(error))
    }
  }

  void keepOpen(context, name, async (ready) => {
    port = await SerialPort.open(path, settings, signal)
    const splitter = new LineSplitter(take, () => report(name, 'a line does not end: is the speed right?'))
    port.onData((chunk) => splitter.push(chunk))
    ready()
    const reason = await port.closed
    port = undefined
    return reason
  })

  for (const command of settings.commands) {
    const expression = command.answer === undefined ? undefined : new RegExp(command.answer)
    actuate({
      point: withSettings({ path: `${name}/${command.name}`, device: name }, command),
      write(value, expired) {
        if (port === undefined) throw new Error(`${path} is not open`)
        port.write(`${command.line.replaceAll('{value}', `${value}`)}\n`)
        if (expression === undefined) return Promise.resolve(value)
        return new Promise((resolve) => {
          const answer = (line: string) => {
            if (!expression.test(line)) return
            answers.delete(answer)
            resolve(value)
          }
          answers.add(answer)
          expired.addEventListener('abort', () => answers.delete(answer), { once: true })
        })
      },
    })
  }
}

/** The readings of a line. Throws an Error that says what is wrong with it. */
function lineReader({ name, format, pattern, columns, delimiter }: PortSettings): (line: string) => readonly Reading[] {
  const reading = (path: string, value: Reading['value']): readonly Reading[] =>
    path === '' || value === undefined || value === ''
      ? []
      : [{ point: { path: `${name}/${path}`, device: name }, value }]
  const unlike = (line: string) => new Error(`not ${format}: ${JSON.stringify(line.slice(0, 60))}`)
  const expression = new RegExp(pattern)
  return (line) => {
    switch (format) {
      case 'json':
        return leavesOf(parseJson(line)).flatMap(([path, value]) => reading(path === '' ? 'value' : path, value))
      case 'csv': {
        const cells = splitCsv(line, delimiter)
        if (cells.length !== columns.length) throw unlike(line)
        return cells.flatMap((cell, index) => reading(columns[index] ?? '', numberOrText(cell)))
      }
      case 'regex': {
        const groups = expression.exec(line)?.groups
        if (groups === undefined) throw unlike(line)
        return Object.entries(groups).flatMap(([path, text]) => reading(path, numberOrText(text ?? '')))
      }
      case 'nmea':
        return readSentence(line, name)
      case 'number': {
        const value = numberOrText(line.trim())
        if (typeof value !== 'number') throw unlike(line)
        return reading('value', value)
      }
    }
  }
}
