/** The figures of the machine itself, from /proc, /sys and statfs: no child process, some tenths of a millisecond a round. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter } from '../adapter.ts'
import { inspectFileSystem, MachineFiles } from '../machine-file.ts'
import type { systemTable } from './setting-table.ts'
import { subjectsOf } from './subject.ts'

export type SystemSettings = SettingsOf<typeof systemTable.settings>

export const system: Adapter<SystemSettings> = {
  async probe({ settings, dataDirectory }) {
    const files = new MachineFiles(settings.root)
    const subjects = subjectsOf({ files, inspectFileSystem: () => inspectFileSystem(dataDirectory), nowMs: () => 0 })
    const readings = await Promise.all(subjects.map(({ read }) => read().catch(() => [])))
    const paths = readings.flat().map(({ point }) => point.path)
    if (paths.length === 0) return []
    const model = (await files.text('proc/device-tree/model'))?.replaceAll('\0', '').trim()
    return [{ text: `${model || 'this machine'}: ${paths.join(', ')}`, settings: {} }]
  },

  async start({ settings, dataDirectory, clock, sample }) {
    const subjects = subjectsOf({
      files: new MachineFiles(settings.root),
      inspectFileSystem: () => inspectFileSystem(dataDirectory),
      nowMs: () => clock.monotonicMs(),
    })
    for (const { name, isSlow, read } of subjects)
      sample({ name, periodMs: isSlow ? settings.slowPeriodMs : settings.periodMs, read })
  },
}
