/** Which filters match a topic, and which topics match a filter, at the cost of what matches and never by a scan. MQTT 3.1.1 section 4.7. */

import { LevelTree, searchTopics, visitFilters } from './level-tree.ts'

/** Values under filters; finds those whose filter matches a topic. */
export class FilterTree<T> {
  readonly #values = new Map<string, Set<T>>()
  readonly #tree = new LevelTree()

  /** Filters that there are values under. */
  get size(): number {
    return this.#values.size
  }

  add(filter: string, value: T): void {
    const values = this.#values.get(filter)
    if (values !== undefined) values.add(value)
    else {
      this.#values.set(filter, new Set([value]))
      this.#tree.add(filter)
    }
  }

  remove(filter: string, value: T): void {
    const values = this.#values.get(filter)
    if (values?.delete(value) !== true || values.size > 0) return
    this.#values.delete(filter)
    this.#tree.remove(filter)
  }

  /** Calls for every value whose filter matches; a value under several matching filters comes several times. */
  match(topic: string, visit: (value: T) => void): void {
    visitFilters(this.#tree, topic, (filter) => {
      for (const value of this.#values.get(filter) ?? []) visit(value)
    })
  }
}

/** Values under topics; finds those whose topic matches a filter. */
export class TopicTree<T> {
  readonly #values = new Map<string, T>()
  readonly #tree = new LevelTree()

  get size(): number {
    return this.#values.size
  }

  get(topic: string): T | undefined {
    return this.#values.get(topic)
  }

  set(topic: string, value: T): void {
    if (!this.#values.has(topic)) this.#tree.add(topic)
    this.#values.set(topic, value)
  }

  delete(topic: string): void {
    if (this.#values.delete(topic)) this.#tree.remove(topic)
  }

  *find(filter: string): Generator<T, void> {
    for (const value of this.search(filter)) if (value !== undefined) yield value
  }

  /** The same, with undefined for each place that was looked at and has none. Values are those of the moment in which they are asked for. */
  *search(filter: string): Generator<T | undefined, void> {
    if (!isWildcard(filter)) yield this.#values.get(filter)
    else
      for (const topic of searchTopics(this.#tree, filter))
        yield topic === undefined ? undefined : this.#values.get(topic)
  }
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
