/** Inputs and outputs of GPIO chips: a process of the gpiod tools for the inputs of a chip, one for each output that was told something. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter, AdapterContext, Point } from '../adapter.ts'
import { runChild } from '../child.ts'
import { keepOpen } from '../keeping.ts'
import { asSwitch, withSettings } from '../point.ts'
import { Output } from './output.ts'
import type { gpioTable } from './setting-table.ts'
import { GpioTools } from './tool.ts'

export type GpioSettings = SettingsOf<typeof gpioTable.settings>

type Line = GpioSettings['lines'][number]

/** How often edges are expected, for the number of instances to keep. */
const expectedPeriodMs = 60_000

export const gpio: Adapter<GpioSettings> = {
  /** Chips, where the tools are there to tell; which lines something is connected to nobody but the operator knows. */
  async probe({ settings, signal }) {
    const tools = await GpioTools.find(settings.tools, signal).catch(() => undefined)
    const chips = (await tools?.detect(signal)) ?? []
    return chips.map((chip) => ({
      text: `${chip}: name the lines that are connected with [[adapters.gpio.line]]`,
      settings: {},
    }))
  },

  async start(context) {
    const { settings, signal } = context
    if (settings.lines.length === 0) return
    const tools = await GpioTools.find(settings.tools, signal)
    const inputs = settings.lines.filter(({ direction }) => direction === 'in')
    const groups = Map.groupBy(inputs, ({ chip, activeLow, bias, debounceMs }) =>
      [chip, activeLow, bias, debounceMs].join(),
    )
    for (const lines of groups.values()) watch(context, tools, lines)
    for (const line of settings.lines.filter(({ direction }) => direction === 'out')) drive(context, tools, line)
  },
}

/** The levels as they are, then each edge. */
function watch(context: AdapterContext<GpioSettings>, tools: GpioTools, lines: readonly Line[]): void {
  const { signal, push, report } = context
  const [first] = lines
  if (first === undefined) return
  const part = `inputs of ${first.chip}: ${lines.map(({ name }) => name).join(', ')}`
  const tell = (line: Line, value: boolean) => push([{ point: pointOf(line), value }], expectedPeriodMs)
  void keepOpen(context, part, async (ready) => {
    for (const line of lines) tell(line, await tools.get(line, signal))
    const invocation = tools.monitor(
      first,
      lines.map(({ line }) => line),
    )
    const { ending } = await runChild({
      ...invocation,
      signal,
      onStart: ready,
      onLine: (text) => {
        const edge = tools.parseEdge(text)
        const line = lines.find((each) => each.line === edge?.line)
        if (edge === undefined || line === undefined) report(part, `gpiomon says ${JSON.stringify(text.slice(0, 40))}`)
        else tell(line, edge.isRising)
      },
    })
    return ending
  })
}

function drive({ actuate, report, signal }: AdapterContext<GpioSettings>, tools: GpioTools, line: Line): void {
  const output = new Output(tools, line, signal)
  report(`output ${line.name}`)
  actuate({
    point: pointOf(line),
    async write(value) {
      const level = asSwitch(value)
      if (level === undefined) throw new Error(`${JSON.stringify(value)}: expected true or false, on or off, 1 or 0`)
      await output.set(level)
      return level
    },
  })
}

function pointOf(line: Line): Point {
  const { name, chip, line: number, direction } = line
  const base = { path: name, device: `${chip}-${number}`, quantity: direction === 'out' ? 'switch' : 'level' }
  return withSettings(base, line)
}
