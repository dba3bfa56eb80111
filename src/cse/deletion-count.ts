/** deletionCnt (TS-0001 9.6.7, release 4): a contentInstance that has been retrieved so often is removed. */

import { remove } from './deletion.ts'
import type { Execution } from './execution.ts'
import type { StoredInstance } from './resource.ts'

/** Counts a retrieval that shows the instance as it was before. */
export function countRetrieval(execution: Execution, instance: StoredInstance): void {
  // Cheaper than reading its attributes, which hardly any instance needs.
  if (!instance.record.includes('"dcnt":')) return
  const { dcnt, ...rest } = JSON.parse(instance.record) as { readonly dcnt?: number }
  const log = instance.parent.instances
  if (dcnt === undefined || log === undefined) return
  if (dcnt <= 1) {
    remove(execution, instance)
    return
  }
  const { transaction } = execution
  transaction.onUndo(log.remember())
  log.replace(transaction.changes, instance, JSON.stringify({ ...rest, dcnt: dcnt - 1 }))
}
