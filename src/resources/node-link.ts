/** nodeLink of an AE and hostedAELinks of its node (TS-0001 9.6.5, 9.6.18) say the same from both ends; this keeps them in step. */

import type { Engine, ResourceView } from './behaviour.ts'

const nodeType = 14

/** An AE leaves one node and comes to another; either may be undefined, or be no node of this CSE. */
export function moveToNode(engine: Engine, aeId: string, from: unknown, to: unknown): void {
  if (from === to) return
  const left = nodeOf(engine, from)
  if (left !== undefined) {
    const stay = hostedBy(left).filter((link) => link !== aeId)
    engine.amend(left, { hostedAeLinks: stay.length === 0 ? undefined : stay })
  }
  const reached = nodeOf(engine, to)
  if (reached !== undefined) engine.amend(reached, { hostedAeLinks: [...new Set([...hostedBy(reached), aeId])] })
}

/** A node is gone: the AEs on it are on none. */
export function releaseHosted(engine: Engine, node: ResourceView): void {
  for (const link of hostedBy(node)) {
    const ae = engine.resolve(link)
    if (ae !== undefined && nodeOf(engine, ae.stored['nodeLink']) === node) engine.amend(ae, { nodeLink: undefined })
  }
}

function nodeOf(engine: Engine, link: unknown): ResourceView | undefined {
  const node = typeof link === 'string' ? engine.resolve(link) : undefined
  return node?.definition.type === nodeType ? node : undefined
}

function hostedBy(node: ResourceView): readonly string[] {
  return (node.stored['hostedAeLinks'] as readonly string[] | undefined) ?? []
}
