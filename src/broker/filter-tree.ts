/**
 * Topic filters and topics as trees of levels: which filters match a topic, and which topics match a filter, at the cost of what matches and
 * never by a scan. MQTT 3.1.1 section 4.7.
 */

interface FilterNode<T> {
  /** Of the last level of a filter, which most nodes are, none. */
  children: Map<string, FilterNode<T>> | undefined
  values: Set<T> | undefined
}

/** Values under filters; finds those whose filter matches a topic. */
export class FilterTree<T> {
  readonly #root: FilterNode<T> = { children: undefined, values: undefined }
  #size = 0

  get size(): number {
    return this.#size
  }

  add(filter: string, value: T): void {
    let node = this.#root
    for (const level of filter.split('/')) {
      node.children ??= new Map()
      let child = node.children.get(level)
      if (child === undefined) {
        child = { children: undefined, values: undefined }
        node.children.set(level, child)
      }
      node = child
    }
    node.values ??= new Set()
    if (!node.values.has(value)) this.#size++
    node.values.add(value)
  }

  remove(filter: string, value: T): void {
    const path: (readonly [FilterNode<T>, string])[] = []
    let node = this.#root
    for (const level of filter.split('/')) {
      const child = node.children?.get(level)
      if (child === undefined) return
      path.push([node, level])
      node = child
    }
    if (node.values?.delete(value) === true) this.#size--
    for (const [parent, level] of path.reverse()) {
      const child = parent.children?.get(level)
      if (child === undefined || (child.values?.size ?? 0) > 0 || (child.children?.size ?? 0) > 0) return
      parent.children?.delete(level)
    }
  }

  /** Calls for every value whose filter matches; a value under several matching filters comes several times. */
  match(topic: string, visit: (value: T) => void): void {
    // [MQTT-4.7.2-1]: a filter that begins with a wildcard does not match topics that begin with $.
    visitMatches(this.#root, topic.split('/'), 0, topic.startsWith('$'), visit)
  }
}

function visitMatches<T>(
  node: FilterNode<T>,
  levels: readonly string[],
  index: number,
  hidesWildcards: boolean,
  visit: (value: T) => void,
): void {
  const { children } = node
  const allowsWildcards = index > 0 || !hidesWildcards
  if (allowsWildcards) for (const value of children?.get('#')?.values ?? []) visit(value)
  if (index === levels.length) {
    for (const value of node.values ?? []) visit(value)
    return
  }
  if (children === undefined) return
  const exact = children.get(levels[index] as string)
  if (exact !== undefined) visitMatches(exact, levels, index + 1, hidesWildcards, visit)
  const any = allowsWildcards ? children.get('+') : undefined
  if (any !== undefined) visitMatches(any, levels, index + 1, hidesWildcards, visit)
}

interface TopicNode<T> {
  /** Of the last level of a topic, which most nodes are, none. */
  children: Map<string, TopicNode<T>> | undefined
  value: T | undefined
}

/** Values under topics; finds those whose topic matches a filter. */
export class TopicTree<T> {
  readonly #exact = new Map<string, T>()
  readonly #root: TopicNode<T> = { children: undefined, value: undefined }

  get size(): number {
    return this.#exact.size
  }

  get(topic: string): T | undefined {
    return this.#exact.get(topic)
  }

  set(topic: string, value: T): void {
    this.#exact.set(topic, value)
    let node = this.#root
    for (const level of topic.split('/')) {
      node.children ??= new Map()
      let child = node.children.get(level)
      if (child === undefined) {
        child = { children: undefined, value: undefined }
        node.children.set(level, child)
      }
      node = child
    }
    node.value = value
  }

  delete(topic: string): void {
    if (!this.#exact.delete(topic)) return
    const path: (readonly [TopicNode<T>, string])[] = []
    let node = this.#root
    for (const level of topic.split('/')) {
      const child = node.children?.get(level)
      if (child === undefined) return
      path.push([node, level])
      node = child
    }
    node.value = undefined
    for (const [parent, level] of path.reverse()) {
      const child = parent.children?.get(level)
      if (child === undefined || child.value !== undefined || (child.children?.size ?? 0) > 0) return
      parent.children?.delete(level)
    }
  }

  *find(filter: string): Generator<T, void> {
    if (!isWildcard(filter)) {
      const value = this.#exact.get(filter)
      if (value !== undefined) yield value
      return
    }
    yield* findMatches(this.#root, filter.split('/'), 0)
  }
}

function* findMatches<T>(node: TopicNode<T>, levels: readonly string[], index: number): Iterable<T> {
  const level = levels[index]
  if (level === undefined) {
    if (node.value !== undefined) yield node.value
    return
  }
  if (level === '#') {
    yield* below(node, index === 0)
    return
  }
  if (level !== '+') {
    const child = node.children?.get(level)
    if (child !== undefined) yield* findMatches(child, levels, index + 1)
    return
  }
  for (const [name, child] of node.children ?? [])
    if (index > 0 || !name.startsWith('$')) yield* findMatches(child, levels, index + 1)
}

/** `a/#` includes `a` itself: MQTT 3.1.1 section 4.7.1.2. */
function* below<T>(node: TopicNode<T>, hidesSystem: boolean): Iterable<T> {
  if (node.value !== undefined) yield node.value
  for (const [name, child] of node.children ?? [])
    if (!(hidesSystem && name.startsWith('$'))) yield* below(child, false)
}

export function isWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#')
}

/** Whether one filter matches one topic. */
export function matchesFilter(filter: string, topic: string): boolean {
  if (filter === topic) return true
  if (!isWildcard(filter)) return false
  const wanted = filter.split('/')
  const levels = topic.split('/')
  if (topic.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false
  for (let index = 0; index < wanted.length; index++) {
    if (wanted[index] === '#') return true
    if (index >= levels.length || (wanted[index] !== '+' && wanted[index] !== levels[index])) return false
  }
  return wanted.length === levels.length
}
