/**
 * Keeps containers within their limits (TS-0004 7.4.7.2.1). What a lowered limit makes superfluous may be a million instances: they go a
 * stretch at a time, the oldest first, and others are served in between.
 */

import type { StoreChange } from '../store/store.ts'
import { breathe, stretch } from './breath.ts'
import type { Execution } from './execution.ts'
import type { InstanceLog } from './instance-log.ts'
import type { CseParts } from './parts.ts'
import type { Resource } from './resource.ts'

/** Removes the oldest instances beyond the limits, at most a stretch of them; true when the rest is within the limits. */
export function trim({ transaction }: Execution, container: Resource): boolean {
  const log = container.instances
  if (log === undefined || !isOverLimit(container)) return true
  transaction.onUndo(log.remember())
  const isDone = trimLog(transaction.changes, container, log)
  transaction.changes.push(log.countersChange())
  return isDone
}

/** The same for who has seen to the counters. */
export function trimLog(changes: StoreChange[], container: Resource, log: InstanceLog): boolean {
  return log.trim(changes, limitOf(container, 'maxNrOfInstances'), limitOf(container, 'maxByteSize'), stretch)
}

/** Goes on where `trim` left off. Resolves when the limits hold, or what remains is left to the next instance that comes. */
export async function trimInTurns(parts: CseParts, container: Resource): Promise<void> {
  let isOver = true
  while (isOver) {
    await breathe()
    if (parts.tree.get(container.resourceIdentifier) !== container) return
    isOver = await new Promise<boolean>((resolve) => {
      let isDone = true
      parts.internally(
        (execution) => {
          execution.transaction.makesRoom = true
          isDone = trim(execution, container)
        },
        (isStored) => resolve(isStored && !isDone),
      )
    })
  }
}

/** A limit of a container: maxNrOfInstances or maxByteSize. */
export function limitOf(container: Resource, name: string): number {
  return (container.stored[name] as number | undefined) ?? Number.POSITIVE_INFINITY
}

export function isOverLimit(container: Resource): boolean {
  const log = container.instances
  return (
    log !== undefined &&
    (log.count > limitOf(container, 'maxNrOfInstances') || log.bytes > limitOf(container, 'maxByteSize'))
  )
}
