/** What other programs write: those that are run for each reading, and those that keep running. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter, AdapterContext, Reading } from '../adapter.ts'
import { readChild, runChild } from '../child.ts'
import { keepOpen } from '../keeping.ts'
import { readPayload } from '../payload.ts'
import { withSettings } from '../point.ts'
import { Rate } from '../rate.ts'
import type { execTable } from './setting-table.ts'

export type ExecSettings = SettingsOf<typeof execTable.settings>

type Command = ExecSettings['commands'][number]

/** How often a program that keeps running is expected to write, for the number of instances to keep. */
const expectedPeriodMs = 60_000

export const exec: Adapter<ExecSettings> = {
  /** Nothing on this machine tells which programs are of interest. */
  async probe() {
    return []
  },

  async start(context) {
    const { settings, sample } = context
    for (const command of settings.commands) {
      if (command.periodMs === 0) keepRunning(context, command)
      else
        sample({
          name: command.name,
          periodMs: command.periodMs,
          timeoutMs: command.timeoutMs,
          async read(signal) {
            const [program = '', ...parameters] = command.command ?? []
            return readOutput(command, (await readChild(program, parameters, signal)).join('\n'))
          },
        })
    }
  },
}

function keepRunning(context: AdapterContext<ExecSettings>, command: Command): void {
  const { signal, push, report, clock, settings } = context
  const [program = '', ...parameters] = command.command ?? []
  const rate = new Rate(clock, settings.maxRate, (text) => report(`${command.name}: rate`, text))
  void keepOpen(context, command.name, async (ready) => {
    const { ending } = await runChild({
      command: program,
      arguments: parameters,
      signal,
      onStart: ready,
      onLine: (line) => {
        if (!rate.allows()) return
        try {
          push(readOutput(command, line), expectedPeriodMs)
          ready()
        } catch (error) {
          report(command.name, error instanceof Error ? error.message : String(error))
        }
      },
    })
    return ending
  })
}

function readOutput(command: Command, text: string): readonly Reading[] {
  const point = withSettings({ path: command.name, device: command.name.split('/')[0] }, command)
  return readPayload(Buffer.from(text), command.codec, point, command.select)
}
