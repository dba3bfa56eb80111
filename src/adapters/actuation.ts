/**
 * Commands on their way to devices: an AE writes, the device is told, and what became of it is said: `pending`, then `confirmed` or `failed`
 * with the reason. One command at a time for each actuator, the latest of those that wait.
 */

import type { Clock } from '../onem2m/clock.ts'
import type { JsonObject } from '../onem2m/content.ts'
import type { Actuator } from './adapter.ts'
import type { Branch } from './branch.ts'
import {
  accessControlPolicy,
  container,
  contentInstance,
  flexContainer,
  type Retention,
  subscription,
} from './content.ts'
import type { Inbox } from './inbox.ts'
import { type Module, moduleOf, moduleValue } from './module.ts'
import type { PointOverrides, Value } from './point.ts'
import { labelsOf, type Publication, resourcePath } from './publication.ts'

interface ActuationFacts {
  readonly originator: string
  readonly branch: Branch
  readonly publication: Publication
  readonly overrides: PointOverrides
  readonly inbox: Inbox
  readonly clock: Clock
  /** Originators that may give commands. */
  readonly commanders: readonly string[]
  readonly onFault: (subject: string, fault: string | undefined) => void
}

interface Entry {
  readonly actuator: Actuator
  readonly path: string
  isBusy: boolean
  waiting?: Value | undefined
  abort?: AbortController
  /** Ends the listening to its subscription. */
  end?: () => void
}

const commandRetention: Retention = { maxNrOfInstances: 20, maxByteSize: 20_480, maxInstanceAgeSeconds: 604_800 }
const defaultTimeoutMs = 5000
const policyName = 'commanders'
const subscriptionName = 'adapter'
/** CREATE, RETRIEVE, UPDATE and DISCOVERY. */
const commandRights = 1 + 2 + 4 + 32
/** The period that the number of kept states is reckoned with. */
const statePeriodMs = 60_000

export class Actuation {
  readonly #facts: ActuationFacts
  readonly #entries: Entry[] = []
  #isStopped = false

  constructor(facts: ActuationFacts) {
    this.#facts = facts
  }

  /** Makes the resources that commands are written to, and takes commands from now on. */
  add(actuator: Actuator): void {
    const point = this.#facts.overrides.apply(actuator.point)
    const path = resourcePath(point.path)
    const entry: Entry = { actuator: { ...actuator, point }, path, isBusy: false }
    this.#entries.push(entry)
    this.#make(entry)
  }

  /** Makes sure that the resources are there. */
  review(): void {
    for (const entry of this.#entries) this.#make(entry)
  }

  /** Commands under way are given up. */
  stop(): void {
    this.#isStopped = true
    for (const { end, abort } of this.#entries) {
      end?.()
      abort?.abort(new Error('the adapter stops'))
    }
  }

  async #subscribe(entry: Entry): Promise<void> {
    const { branch, inbox } = this.#facts
    const { module } = this.#moduleOf(entry)
    const event = module === undefined ? 'instance' : 'update'
    const path = `${commandPath(entry)}/${subscriptionName}`
    const identifiers = await branch.subscribe(path, (name) => subscription(name, event))
    if (this.#isStopped) return
    entry.end?.()
    entry.end = inbox.listen(identifiers, (attributes) => {
      const value = readValue(attributes[module?.attribute ?? 'con'])
      if (module === undefined) this.#take(entry, value)
      // What the adapter itself wrote comes back.
      else if (value !== undefined && value !== this.#storedValue(entry, module)) this.#take(entry, value)
    })
  }

  /** The requests leave in this order, at once. */
  #make(entry: Entry): void {
    const { branch, publication, originator, commanders, onFault } = this.#facts
    const { point } = entry.actuator
    const { module, value } = this.#moduleOf(entry)
    const rules = [{ originators: commanders, rights: commandRights }]
    const policies = [branch.address(policyName)]
    const path = commandPath(entry)
    const labels = ['commands', ...labelsOf(point)]
    const steps = [branch.make(policyName, (name) => accessControlPolicy(name, originator, rules))]
    if (module === undefined) {
      steps.push(
        branch.make(entry.path, (name) => container(name, labelsOf(point), commandRetention)),
        branch.make(path, (name) => container(name, labels, commandRetention, policies)),
      )
    } else {
      publication.protect(path, policies)
      const body = (name: string) => flexContainer(name, labels, commandRetention, module, value, policies)
      // One that readings have made before has no policies yet.
      steps.push(branch.set(path, body, { [module.memberName]: { acpi: policies } }))
    }
    steps.push(this.#subscribe(entry))
    publication.deliver(
      Promise.all(steps).then(() => {}),
      (fault) => onFault(`${entry.path}: commands`, fault),
    )
  }

  /** The flexContainer that commands are written to, where it is one, and what it holds at first. */
  #moduleOf({ actuator: { point, initial = false } }: Entry): { readonly module?: Module; readonly value: Value } {
    if (point.form !== 'flexContainer') return { value: initial }
    const module = moduleOf(point.module, point.quantity, initial)
    const value = module && moduleValue(module, initial)
    return module === undefined || value === undefined ? { value: initial } : { module, value }
  }

  #storedValue({ path }: Entry, module: Module): Value | undefined {
    const stored = this.#facts.publication.lastStored(path)
    return stored === undefined ? undefined : moduleValue(module, stored)
  }

  #take(entry: Entry, value: Value | undefined): void {
    if (this.#isStopped) return
    if (value === undefined)
      this.#tell(entry, { state: 'failed', reason: 'expected a value: a number, true or false, a text' })
    else if (entry.isBusy) {
      if (entry.waiting !== undefined)
        this.#tell(entry, { state: 'failed', value: entry.waiting, reason: 'a later command took its place' })
      entry.waiting = value
    } else void this.#execute(entry, value)
  }

  /** Never rejects. */
  async #execute(entry: Entry, value: Value): Promise<void> {
    const { actuator } = entry
    const { publication, clock } = this.#facts
    const timeoutMs = actuator.timeoutMs ?? defaultTimeoutMs
    const abort = new AbortController()
    const timer = clock.after(timeoutMs, () => abort.abort(new Error(`not confirmed within ${timeoutMs} ms`)))
    entry.isBusy = true
    entry.abort = abort
    this.#tell(entry, { state: 'pending', value })
    try {
      const refused = new Promise<never>((_, reject) =>
        abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true }),
      )
      const reached = await Promise.race([actuator.write(value, abort.signal), refused])
      this.#tell(entry, { state: 'confirmed', value })
      publication.push([{ point: actuator.point, value: reached ?? value }], statePeriodMs)
    } catch (error) {
      this.#tell(entry, { state: 'failed', value, reason: error instanceof Error ? error.message : String(error) })
      // What the flexContainer says is what the device has, and not what somebody wanted.
      publication.restore(entry.path)
    } finally {
      timer.cancel()
      entry.isBusy = false
    }
    const next = entry.waiting
    entry.waiting = undefined
    if (next !== undefined && !this.#isStopped) void this.#execute(entry, next)
  }

  /** `<point>/command` holds what became of each command, the latest last. */
  #tell({ path }: Entry, outcome: JsonObject): void {
    const { branch, publication, onFault } = this.#facts
    const body = (name: string) => container(name, ['command-state'], commandRetention)
    const content = contentInstance(JSON.stringify(outcome), 'application/json')
    publication.deliver(branch.append(`${path}/command`, body, 4, content), (fault) =>
      onFault(`${path}: commands`, fault),
    )
  }
}

/** `<point>/commands`, where AEs create contentInstances, or the flexContainer itself, which they update. */
function commandPath({ path, actuator: { point } }: Entry): string {
  return point.form === 'flexContainer' ? path : `${path}/commands`
}

/** What a command says: a JSON value, an object with a `value`, or a plain text; `on` and `off` are left to the device. */
function readValue(content: unknown): Value | undefined {
  if (typeof content === 'number' || typeof content === 'boolean') return content
  if (typeof content === 'object' && content !== null && 'value' in content) return readValue(content.value)
  if (typeof content !== 'string') return undefined
  try {
    const value: unknown = JSON.parse(content)
    return typeof value === 'string' ? value : readValue(value)
  } catch {
    return content
  }
}
