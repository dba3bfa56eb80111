/** What adapters share that read files of the kernel: one look at everything each period, so that devices may come and go. */

import type { SettingRow } from '../onem2m/setting-row.ts'
import type { Adapter, Finding, Reading } from './adapter.ts'
import { MachineFiles } from './machine-file.ts'

export interface KernelSettings {
  readonly periodMs: number
  readonly root: string
}

export const kernelRows = [
  {
    key: 'period',
    type: 'duration',
    default: '30s',
    minimum: 1000,
    maximum: 86_400_000,
    text: 'Time between readings. Devices that are plugged in or out are noticed within it.',
  },
  { key: 'root', type: 'string', default: '/', text: 'Directory below which sys is found.' },
] as const satisfies readonly SettingRow[]

/** Reads what there is now. */
export type Look = (files: MachineFiles, signal: AbortSignal) => Promise<readonly Reading[]>

/** An adapter of one sampler; `createLook` is called for each start, so that a look may remember. */
export function kernelAdapter<Settings extends KernelSettings>(
  name: string,
  createLook: () => Look,
  timeoutMs?: number,
): Adapter<Settings> {
  return {
    async probe({ settings, signal }) {
      return describe(await createLook()(new MachineFiles(settings.root), signal))
    },
    async start({ settings, sample }) {
      const look = createLook()
      const files = new MachineFiles(settings.root)
      const { periodMs } = settings
      sample({ name, periodMs, read: (signal) => look(files, signal), ...(timeoutMs && { timeoutMs }) })
    },
  }
}

/** One finding a device. */
function describe(readings: readonly Reading[]): readonly Finding[] {
  const byDevice = Map.groupBy(readings, ({ point }) => point.device ?? point.path)
  return [...byDevice].map(([device, ofDevice]) => ({
    text: `${device}: ${ofDevice.map(describeReading).join(', ')}`,
    settings: {},
  }))
}

function describeReading({ point, value, fault }: Reading): string {
  const name = point.quantity ?? point.path
  if (fault !== undefined) return `${name} (${fault})`
  const figure = typeof value === 'number' ? Number((value * (point.scale ?? 1)).toFixed(3)) : value
  return `${name} ${figure}${point.unit === undefined ? '' : ` ${point.unit}`}`
}
