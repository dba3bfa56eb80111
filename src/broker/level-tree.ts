/**
 * Paths, which are topics or filters, as a tree of their levels, and which of them match. A node stands for as many levels as lead nowhere else, so that
 * what a path costs does not grow with its levels. MQTT 3.1.1 section 4.7.
 */

export interface LevelNode {
  /** Levels that lead here from the node above, with the slashes between them. */
  label: string
  /** By the first level of their labels. */
  children: Map<string, LevelNode> | undefined
  /** The whole of a path that ends here. */
  path: string | undefined
}

export class LevelTree {
  readonly root: LevelNode = { label: '', children: undefined, path: undefined }

  add(path: string): void {
    let node = this.root
    for (let rest = path; ; ) {
      const name = firstLevel(rest)
      const child = node.children?.get(name)
      if (child === undefined) {
        node.children ??= new Map()
        node.children.set(name, { label: rest, children: undefined, path })
        return
      }
      const shared = sharedLength(child.label, rest)
      const upper = shared < child.label.length ? split(node, name, child, shared) : child
      if (shared === rest.length) {
        upper.path = path
        return
      }
      rest = rest.slice(shared + 1)
      node = upper
    }
  }

  remove(path: string): void {
    const above: LevelNode[] = []
    let node = this.root
    for (let rest = path; node.path !== path; ) {
      const child = node.children?.get(firstLevel(rest))
      if (child === undefined || !`${rest}/`.startsWith(`${child.label}/`)) return
      rest = rest.slice(child.label.length + 1)
      above.push(node)
      node = child
    }
    node.path = undefined
    for (let parent = above.pop(); parent !== undefined; parent = above.pop()) {
      shrink(parent, node)
      node = parent
    }
  }
}

function firstLevel(path: string): string {
  const end = path.indexOf('/')
  return end < 0 ? path : path.slice(0, end)
}

/** How long the whole levels are that both begin with; the first one is the same. */
function sharedLength(one: string, other: string): number {
  let shared = 0
  for (let at = 0; ; at++) {
    const isEnd = at === one.length || one[at] === '/'
    if (isEnd && (at === other.length || other[at] === '/')) shared = at
    if (at === one.length || one[at] !== other[at]) return shared
  }
}

/** Puts a node above another, for the part of its label that is not its own any more. */
function split(parent: LevelNode, name: string, lower: LevelNode, at: number): LevelNode {
  const upper = { label: lower.label.slice(0, at), children: new Map<string, LevelNode>(), path: undefined }
  lower.label = lower.label.slice(at + 1)
  upper.children.set(firstLevel(lower.label), lower)
  parent.children?.set(name, upper)
  return upper
}

/**
 * Takes out a node that nothing ends at and nothing leads on from, or only one: that one takes its place as a node of its own, since whoever walks
 * through the tree at the moment goes on with the old ones.
 */
function shrink(parent: LevelNode, node: LevelNode): void {
  if (node.path !== undefined || (node.children?.size ?? 0) > 1) return
  const name = firstLevel(node.label)
  const [child] = node.children?.values() ?? []
  if (child === undefined) parent.children?.delete(name)
  else {
    const { label, children, path } = child
    parent.children?.set(name, { label: `${node.label}/${label}`, children, path })
  }
}

/** Calls for each path of the tree that, as a filter, matches a topic. */
export function visitFilters({ root }: LevelTree, topic: string, visit: (filter: string) => void): void {
  const levels = topic.split('/')
  const { children } = root
  if (children === undefined) return
  enter(children.get(levels[0] as string), levels, 0, visit)
  // [MQTT-4.7.2-1]: a filter that begins with a wildcard does not match topics that begin with $.
  if (topic.startsWith('$')) return
  enter(children.get('+'), levels, 0, visit)
  enter(children.get('#'), levels, 0, visit)
}

function enter(
  node: LevelNode | undefined,
  levels: readonly string[],
  from: number,
  visit: (filter: string) => void,
): void {
  if (node === undefined) return
  const index = follow(node.label, levels, from)
  if (index < 0) return
  if (index === levels.length && node.path !== undefined) visit(node.path)
  const { children } = node
  if (children === undefined) return
  // `a/#` matches `a` itself: MQTT 3.1.1 section 4.7.1.2.
  enter(children.get('#'), levels, index, visit)
  if (index === levels.length) return
  enter(children.get(levels[index] as string), levels, index, visit)
  enter(children.get('+'), levels, index, visit)
}

/** The index of the level after those that a label, of a filter, matches; -1 when it matches others. */
function follow(label: string, levels: readonly string[], from: number): number {
  let index = from
  for (let at = 0; at <= label.length; index++) {
    const next = label.indexOf('/', at)
    const end = next < 0 ? label.length : next
    if (label[at] === '#' && end === at + 1) return levels.length
    const level = levels[index]
    if (level === undefined) return -1
    const isAny = label[at] === '+' && end === at + 1
    if (!isAny && !(end - at === level.length && label.startsWith(level, at))) return -1
    at = end + 1
  }
  return index
}

/** The paths of the tree that, as topics, match a filter; undefined for each node that was looked at and is none. */
export function* searchTopics({ root }: LevelTree, filter: string): Generator<string | undefined, void> {
  yield* searchBelow(root, filter.split('/'), 0)
}

function* searchBelow(
  { children, path }: LevelNode,
  wanted: readonly string[],
  index: number,
): Generator<string | undefined, void> {
  const level = wanted[index]
  yield level === undefined || level === '#' ? path : undefined
  if (level === undefined || children === undefined) return
  if (level !== '+' && level !== '#') yield* search(children.get(level), wanted, index)
  else for (const [name, child] of children) if (index > 0 || !name.startsWith('$')) yield* search(child, wanted, index)
}

function* search(
  node: LevelNode | undefined,
  wanted: readonly string[],
  from: number,
): Generator<string | undefined, void> {
  if (node === undefined) return
  const index = lead(node.label, wanted, from)
  if (index < 0) yield undefined
  else yield* searchBelow(node, wanted, index)
}

/** The index of the level of a filter after those that match a label, of a topic, which is that of its `#` for all below it; -1 when they do not. */
function lead(label: string, wanted: readonly string[], from: number): number {
  let index = from
  for (let at = 0; at <= label.length; index++) {
    const level = wanted[index]
    if (level === '#') return index
    if (level === undefined) return -1
    const next = label.indexOf('/', at)
    const end = next < 0 ? label.length : next
    if (level !== '+' && !(end - at === level.length && label.startsWith(level, at))) return -1
    at = end + 1
  }
  return index
}
