/**
 * The instances of one container: where they lie on the disk, which are the oldest and the latest, and the counters that say how many.
 * Create, latest, oldest and trimming touch one or two keys, whatever the size of the container.
 */

import type { Clock } from '../onem2m/clock.ts'
import { plainTimestamp } from '../onem2m/timestamp.ts'
import type { Attributes, ResourceType } from '../resources/resource-type.ts'
import type { Store, StoreChange } from '../store/store.ts'
import { decodeCounters, encodeCounters, newCounters } from './instance-counter.ts'
import { chosenNameIn, labelsIn, sizeIn } from './instance-record.ts'
import { endOfInstance, isOver } from './lifetime.ts'
import { type Resource, StoredInstance } from './resource.ts'

/** What is stored of an instance that is created. */
export interface NewInstance {
  /** Undefined for the name that follows from the sequence number. */
  readonly chosenName: string | undefined
  readonly record: string
  readonly size: number
  /** Infinity when it ends with its container. */
  readonly expiryMs: number
  /** The value that no other instance of the container may have. */
  readonly unique: unknown
  readonly labels: readonly string[] | undefined
  /** Appending it is a change of its container, to be counted in stateTag. */
  readonly isChange: boolean
}

type KeyRange = readonly [from: string, to: string]

/** Where a container keeps its counters: behind its instances, so that the two lie together. */
export function countersKeyOf(identifier: string): string {
  return `i/${identifier}/~`
}

/** All keys that there may be of a container's instances: themselves, their names, labels and unique values. */
export function keyRangesOf(identifier: string): readonly KeyRange[] {
  // Names and labels may begin with any character: the key after a slash is a zero.
  return ['i', 'n', 'l', 'u'].map((kind) => [`${kind}/${identifier}/`, `${kind}/${identifier}0`])
}

/** Records up to this length are kept for the latest instance of each container, so that reading it needs no disk. */
const latestKeptBytes = 4096

export class InstanceLog {
  readonly #resource: Resource
  readonly #store: Store
  readonly #clock: Clock
  readonly #type: ResourceType
  #now = newCounters()
  #latest: { readonly sequence: number; readonly record: string } | undefined

  constructor(
    resource: Resource,
    type: ResourceType,
    { store, clock }: { readonly store: Store; readonly clock: Clock },
  ) {
    this.#resource = resource
    this.#type = type
    this.#store = store
    this.#clock = clock
  }

  get type(): ResourceType {
    return this.#type
  }

  get count(): number {
    return this.#now.count
  }

  get bytes(): number {
    return this.#now.bytes
  }

  get expiryMs(): number {
    return this.#now.expiryMs
  }

  /** True when no instance expires before an older one: then a sweep ends at the first that is left. */
  get expireInOrder(): boolean {
    return !Number.isNaN(this.#now.lastExpiryMs)
  }

  get nextSequence(): number {
    return this.#now.next
  }

  get stateTag(): number {
    return this.#now.stateTag
  }

  /** The attributes of the container that its instances decide. */
  get counters(): Attributes {
    const counters: Record<string, unknown> = {
      currentNrOfInstances: this.#now.count,
      currentByteSize: this.#now.bytes,
    }
    if (this.#resource.definition.table.has('stateTag')) counters['stateTag'] = this.#now.stateTag
    return counters
  }

  completeWireText(text: string): string {
    const stateTag = this.#resource.definition.table.has('stateTag') ? `,"st":${this.#now.stateTag}` : ''
    return `${text.slice(0, -1)}${stateTag},"cni":${this.#now.count},"cbs":${this.#now.bytes}}`
  }

  /** True when instances have labels, which are then found through keys of their own. */
  get hasLabels(): boolean {
    return this.#now.labelled > 0
  }

  /** Takes the counters as they are stored. Throws StoreError when they can't be read. */
  restore(): void {
    const text = this.#store.getText(this.countersKey)
    if (text !== undefined) this.#now = decodeCounters(text)
  }

  /** Puts the counters back as they were at this moment. */
  remember(): () => void {
    const [before, latest] = [{ ...this.#now }, this.#latest]
    return () => {
      this.#now = before
      this.#latest = latest
    }
  }

  /**
   * Right behind the instances: what is written together lies together, so that LevelDB moves whole files of a container that only grows
   * instead of merging them with all that it holds.
   */
  get countersKey(): string {
    return countersKeyOf(this.#resource.resourceIdentifier)
  }

  /** The change that stores the counters; its value is taken when the commit group closes. */
  countersChange(): StoreChange {
    return { key: this.countersKey, value: () => encodeCounters(this.#now) }
  }

  countStateChange(): void {
    this.#now.stateTag++
  }

  identifierOf(sequence: number): string {
    return `${this.#resource.resourceIdentifier}-${sequence.toString(36)}`
  }

  /**
   * What has to be remembered of the name that the next instance is asked to have; undefined when its number says it. When none is asked for,
   * numbers are skipped whose names originators have taken for instances or other children.
   */
  settleName(asked: string): string | undefined {
    if (asked !== '') return asked === this.defaultName(this.#now.next) ? undefined : asked
    const { children } = this.#resource
    if (this.#now.named > 0 || children.size > 0)
      while (this.#isChosen(this.defaultName(this.#now.next)) || children.has(this.defaultName(this.#now.next)))
        this.#now.next++
    return undefined
  }

  isNameTaken(name: string): boolean {
    return this.findByName(name) !== undefined
  }

  /** Appends an instance, and what is to be stored to the changes. The caller trims afterwards. */
  append(
    changes: StoreChange[],
    { chosenName, record, size, expiryMs, unique, labels, isChange }: NewInstance,
  ): StoredInstance {
    const sequence = this.#now.next++
    if (unique !== undefined) changes.push({ key: this.#uniqueKey(unique), value: sequence.toString(36) })
    if (chosenName !== undefined) {
      this.#now.named++
      changes.push({ key: this.#nameKey(chosenName), value: sequence.toString(36) })
    }
    if (labels !== undefined) {
      this.#now.labelled++
      for (const label of labels) changes.push({ key: this.#labelKey(label, sequence), value: '' })
    }
    changes.push({ key: this.#key(sequence), value: record })
    this.#now.count++
    this.#now.bytes += size
    if (isChange) this.#now.stateTag++
    if (expiryMs < this.#now.expiryMs) this.#now.expiryMs = expiryMs
    if (this.#now.count === 1) this.#now.lastExpiryMs = expiryMs
    else this.#now.lastExpiryMs = expiryMs >= this.#now.lastExpiryMs ? expiryMs : Number.NaN
    this.#latest = record.length <= latestKeptBytes ? { sequence, record } : undefined
    return this.#instanceOf(sequence, record)
  }

  /** Removes the oldest instances until both limits hold, at most so many: TS-0004 7.4.7.2.1. True when they hold. */
  trim(changes: StoreChange[], maxCount: number, maxBytes: number, most: number): boolean {
    for (let looks = 0; this.#now.count > 0 && (this.#now.count > maxCount || this.#now.bytes > maxBytes); looks++) {
      if (looks >= most) return false
      const record = this.#store.getText(this.#key(this.#now.first))
      if (record !== undefined) this.#remove(changes, this.#now.first, record)
      else if (this.#pendingFirst(changes)) continue
      else this.#now.first++
    }
    return true
  }

  /**
   * Leaves all instances behind at once, however many. Returns the keys to be discarded; what leads to them by name or label leads nowhere
   * from now on, and goes with the container.
   */
  clear(): readonly [from: string, to: string] {
    const range = [this.#key(this.#now.first), this.#key(this.#now.next)] as const
    this.#now.first = this.#now.next
    this.#now.count = 0
    this.#now.bytes = 0
    this.#now.expiryMs = Number.POSITIVE_INFINITY
    this.#latest = undefined
    return range
  }

  /**
   * An instance that was appended by this very request is not in the store yet; it is the last one left, and a limit of zero removes it.
   */
  #pendingFirst(changes: StoreChange[]): boolean {
    const key = this.#key(this.#now.first)
    const pending = changes.find((change) => change.key === key)
    if (pending === undefined || typeof pending.value !== 'string') return false
    this.#remove(changes, this.#now.first, pending.value)
    return true
  }

  /** Puts another record in the place of an instance's, of the same name, size and labels. */
  replace(changes: StoreChange[], { sequence }: StoredInstance, record: string): void {
    changes.push({ key: this.#key(sequence), value: record })
    if (this.#latest?.sequence === sequence) this.#latest = { sequence, record }
  }

  delete(changes: StoreChange[], instance: StoredInstance): void {
    this.#remove(changes, instance.sequence, instance.record)
  }

  latest(nowMs: number): StoredInstance | undefined {
    if (this.#latest !== undefined) {
      const instance = this.#instance(this.#latest.sequence, this.#latest.record, nowMs)
      if (instance !== undefined) return instance
    }
    for (let sequence = this.#now.next - 1; this.#now.count > 0 && sequence >= this.#now.first; sequence--) {
      const instance = this.at(sequence, nowMs)
      if (instance === undefined) continue
      if (instance.record.length <= latestKeptBytes) this.#latest = { sequence, record: instance.record }
      return instance
    }
    return undefined
  }

  oldest(nowMs: number): StoredInstance | undefined {
    for (let sequence = this.#now.first; this.#now.count > 0 && sequence < this.#now.next; sequence++) {
      const instance = this.at(sequence, nowMs)
      if (instance !== undefined) return instance
    }
    return undefined
  }

  at(sequence: number, nowMs: number): StoredInstance | undefined {
    if (!(sequence >= this.#now.first && sequence < this.#now.next)) return undefined
    const record = this.#store.getText(this.#key(sequence))
    return record === undefined ? undefined : this.#instance(sequence, record, nowMs)
  }

  /** By the part of its identifier that follows the container's. */
  findBySuffix(suffix: string, nowMs: number): StoredInstance | undefined {
    return /^[0-9a-z]{1,10}$/.test(suffix) ? this.at(Number.parseInt(suffix, 36), nowMs) : undefined
  }

  findByName(name: string, nowMs = 0): StoredInstance | undefined {
    if (this.#now.count === 0) return undefined
    const dash = this.#type.shortName.length
    if (name[dash] === '-' && name.startsWith(this.#type.shortName)) {
      const instance = this.findBySuffix(name.slice(dash + 1), nowMs)
      if (instance?.name === name) return instance
    }
    const sequence = this.#sequenceOfChosenName(name)
    return sequence === undefined ? undefined : this.at(sequence, nowMs)
  }

  /** All instances, oldest first, or latest first. */
  async *scan(nowMs: number, reverse = false): AsyncIterable<StoredInstance> {
    if (this.#now.count === 0) return
    const range = { from: this.#key(this.#now.first), to: this.countersKey, reverse }
    const digitsFrom = this.countersKey.length - 1
    for await (const [key, record] of this.#store.scanText(range)) {
      const instance = this.#instance(Number.parseInt(key.slice(digitsFrom), 36), record, nowMs)
      if (instance !== undefined) yield instance
    }
  }

  /** Instances with one of these labels, each once. */
  async *withLabels(labels: readonly string[], nowMs: number): AsyncIterable<StoredInstance> {
    if (this.#now.labelled === 0) return
    const seen = labels.length > 1 ? new Set<number>() : undefined
    for (const label of labels) {
      const from = this.#labelKey(label, this.#now.first)
      for await (const [key] of this.#store.scanText({ from, to: this.#labelKey(label, this.#now.next) })) {
        const sequence = Number.parseInt(key.slice(key.lastIndexOf('/') + 1), 36)
        const instance = seen?.has(sequence) === true ? undefined : this.at(sequence, nowMs)
        seen?.add(sequence)
        if (instance !== undefined) yield instance
      }
    }
  }

  /** After a sweep: nothing that is left expires before this. */
  noteExpiry(expiryMs: number): void {
    this.#now.expiryMs = expiryMs
  }

  /** The keys of everything that is kept for this container, to be discarded when it is deleted. */
  get ranges(): readonly KeyRange[] {
    const isThere: Readonly<Record<string, boolean>> = {
      i: this.#now.next > 0,
      n: this.#now.named > 0,
      l: this.#now.labelled > 0,
      u: this.#type.uniqueAttribute !== undefined,
    }
    return keyRangesOf(this.#resource.resourceIdentifier).filter(([from]) => isThere[from.slice(0, 1)])
  }

  /** True when an instance has this value of the attribute that no two may share. */
  isValueTaken(value: unknown): boolean {
    return this.#store.getText(this.#uniqueKey(value)) !== undefined
  }

  #labelKey(label: string, sequence: number): string {
    const text = encodeURIComponent(label.toWellFormed())
    return `l/${this.#resource.resourceIdentifier}/${text}/${sequence.toString(36).padStart(10, '0')}`
  }

  #uniqueKey(value: unknown): string {
    return `u/${this.#resource.resourceIdentifier}/${plainTimestamp(String(value))}`
  }

  #instanceOf(sequence: number, record: string): StoredInstance {
    return new StoredInstance(this, this.#resource, sequence, record)
  }

  #remove(changes: StoreChange[], sequence: number, record: string): void {
    changes.push({ key: this.#key(sequence), value: undefined })
    this.#now.count--
    this.#now.bytes -= sizeIn(record)
    if (sequence === this.#now.first) this.#now.first++
    if (this.#latest?.sequence === sequence) this.#latest = undefined
    const { uniqueAttribute } = this.#type
    if (uniqueAttribute !== undefined)
      changes.push({
        key: this.#uniqueKey(this.#instanceOf(sequence, record).attributes[uniqueAttribute]),
        value: undefined,
      })
    const labels = this.#now.labelled > 0 ? labelsIn(record) : undefined
    if (labels !== undefined) {
      this.#now.labelled--
      for (const label of labels) changes.push({ key: this.#labelKey(label, sequence), value: undefined })
    }
    const chosenName = chosenNameIn(record)
    if (chosenName === undefined) return
    this.#now.named--
    changes.push({ key: this.#nameKey(chosenName), value: undefined })
  }

  /** What expired is gone, even before it is swept. */
  #instance(sequence: number, record: string, nowMs: number): StoredInstance | undefined {
    if (nowMs >= this.#now.expiryMs && isOver(this.#clock, endOfInstance(this.#clock, record), nowMs)) return undefined
    return this.#instanceOf(sequence, record)
  }

  #isChosen(name: string): boolean {
    return this.#sequenceOfChosenName(name) !== undefined
  }

  #sequenceOfChosenName(name: string): number | undefined {
    if (this.#now.named === 0) return undefined
    const text = this.#store.getText(this.#nameKey(name))
    return text === undefined ? undefined : Number.parseInt(text, 36)
  }

  /** The name of an instance whose originator chose none. */
  defaultName(sequence: number): string {
    return `${this.#type.shortName}-${sequence.toString(36)}`
  }

  #nameKey(name: string): string {
    return `n/${this.#resource.resourceIdentifier}/${name}`
  }

  #key(sequence: number): string {
    return `i/${this.#resource.resourceIdentifier}/${sequence.toString(36).padStart(10, '0')}`
  }
}
