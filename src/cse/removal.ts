/**
 * Removal of a subtree that is too large to go in one go. At once, with one record on the disk, it is gone for everybody; its resources then
 * leave memory and disk a stretch at a time, with others served in between. A restart goes on where the last run ended.
 */

import type { StoreChange } from '../store/store.ts'
import { breathe, stretch } from './breath.ts'
import type { Execution } from './execution.ts'
import { countersKeyOf, keyRangesOf } from './instance-log.ts'
import type { CseParts } from './parts.ts'
import type { Resource } from './resource.ts'

/** Records of removals under way: the identifiers that are left, none of which is ever given to another resource. */
const prefix = 'd/'

/** Detaches a subtree; `all` are its resources, `root` among them. What others must be told has been raised. */
export function removeInTurns(execution: Execution, root: Resource, all: readonly Resource[]): void {
  const { parts, transaction } = execution
  const { tree } = parts
  tree.detach(root)
  transaction.onUndo(() => tree.attach(root))
  const descendants = all.filter((resource) => resource !== root)
  const key = prefix + execution.newIdentifier('')
  transaction.changes.push({ key, value: JSON.stringify(descendants.map((each) => each.resourceIdentifier)) })
  // An AE's identifier may be registered again at once, so that its own record does not wait.
  transaction.changes.push(tree.removalOf(root))
  if (root.instances !== undefined) transaction.discards.push(...keyRangesOf(root.resourceIdentifier))
  transaction.afterCommit(() => void leaveInTurns(parts, root, all, key))
}

async function leaveInTurns(parts: CseParts, root: Resource, all: readonly Resource[], key: string): Promise<void> {
  for (let start = 0; start < all.length; start += stretch) {
    await breathe()
    for (const each of all.slice(start, start + stretch)) {
      parts.tree.remove(each)
      parts.expiration.forget(each)
      parts.notifier.ended(each)
      parts.polling.end(each)
    }
  }
  parts.tree.settle(root)
  await discardInTurns(
    parts,
    key,
    all.filter((each) => each !== root).map((each) => each.resourceIdentifier),
  )
}

/** What removals of an earlier run have left on the disk. */
export interface UnfinishedRemoval {
  readonly key: string
  readonly identifiers: readonly string[]
}

export async function unfinishedRemovals({ store }: Pick<CseParts, 'store'>): Promise<readonly UnfinishedRemoval[]> {
  const unfinished: UnfinishedRemoval[] = []
  for await (const [key, text] of store.scanText({ from: prefix, to: 'd0' }))
    unfinished.push({ key, identifiers: identifiersIn(text) })
  return unfinished
}

/** None when the record is damaged: what it listed is then left out as resources without their parent are. */
function identifiersIn(text: string): readonly string[] {
  try {
    return JSON.parse(text) as readonly string[]
  } catch {
    return []
  }
}

/** Removes the records of resources from the disk. When the disk fails, the next start goes on. */
export async function discardInTurns({ store }: CseParts, key: string, identifiers: readonly string[]): Promise<void> {
  for (let start = 0; start < identifiers.length; start += stretch) {
    await breathe()
    const changes: StoreChange[] = []
    const ranges: (readonly [from: string, to: string])[] = []
    for (const identifier of identifiers.slice(start, start + stretch)) {
      changes.push({ key: `r/${identifier}`, value: undefined })
      if (store.getText(countersKeyOf(identifier)) !== undefined) ranges.push(...keyRangesOf(identifier))
    }
    const isStored = await new Promise<boolean>((resolve) => {
      store.write(changes, { committed: () => resolve(true), failed: () => resolve(false) }, { makesRoom: true })
      for (const [from, to] of ranges) store.discardRange(from, to)
    })
    if (!isStored) return
  }
  store.write([{ key, value: undefined }], undefined, { makesRoom: true })
}
