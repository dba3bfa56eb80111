/** The adapters there are. Their tables are read at every start; their code is loaded when they are enabled. */

import type { AdapterEntry } from './adapter.ts'
import { systemTable } from './system/setting-table.ts'
import { virtualTable } from './virtual/setting-table.ts'

export const adapters: readonly AdapterEntry[] = [
  { ...systemTable, load: async () => (await import('./system/adapter.ts')).system },
  { ...virtualTable, load: async () => (await import('./virtual/adapter.ts')).virtual },
]
