/** The configuration tables that the adapters bring along. */

import type { AdapterTable } from './configuration.ts'

export const adapterTables: readonly AdapterTable[] = []
