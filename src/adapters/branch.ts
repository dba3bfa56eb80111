/**
 * The resources of one adapter: its AE and what is below it are made, taken over from an earlier run, renewed before they expire, and made
 * again when somebody deleted them.
 */

import type { OneM2MClient } from '../client/client.ts'
import type { Clock } from '../onem2m/clock.ts'
import type { JsonObject } from '../onem2m/content.ts'
import { ResultContent } from '../onem2m/primitive.ts'
import { Status } from '../onem2m/status.ts'
import { type Body, container, readIdentifier } from './content.ts'

/** What adapters need of a client; its originator is the AE-ID of the adapter. */
export type AdapterClient = Pick<OneM2MClient, 'create' | 'update' | 'retrieve' | 'delete'>

/** A resource under a name that is given to it. */
export type NamedBody = (name: string) => Body

interface BranchFacts {
  /** What everything else is below of: the AE of an adapter. */
  readonly root: NamedBody
  /** From the CSEBase, which it is a child of: `onem2m/system`. */
  readonly rootAddress: string
  readonly client: AdapterClient
  readonly clock: Clock
  /** Everything is looked at again when it is next written to: resources must be renewed, or somebody deleted some. */
  readonly onReview: (reason: 'renewal' | 'loss') => void
}

type Outcome = 'made' | 'there'

/** Resources that exist are updated this often, which moves their expiration; a CSE gives them a year by default. */
const renewalMs = 30 * 86_400_000
const silently = { resultContent: ResultContent.NOTHING } as const

export class Branch {
  readonly #facts: BranchFacts
  /** Resources that exist or are being made, by path below the root; the root itself is ''. */
  #ensured = new Map<string, Promise<Outcome>>()
  #ensuredSinceMs = 0

  constructor(facts: BranchFacts) {
    this.#facts = facts
  }

  /** From the CSEBase: `onem2m/system/memory/available`. */
  address(path: string): string {
    const { rootAddress } = this.#facts
    return path === '' ? rootAddress : `${rootAddress}/${path}`
  }

  /** Resolves when the resource exists, and those around it, which are containers. */
  async make(path: string, body: NamedBody): Promise<void> {
    await this.#seen(() => this.#ensure(path, body))
  }

  /** Deletes a resource; one that is not there is no fault. */
  async remove(path: string): Promise<void> {
    this.#ensured.delete(path)
    try {
      await this.#facts.client.delete(this.address(path))
    } catch (error) {
      if (!hasStatus(error, Status.NOT_FOUND)) throw error
    }
  }

  /** Makes a subscription; resolves with its address and its resourceID: notifications bear one of them (TS-0004 7.5.1.2.2). */
  async subscribe(path: string, body: NamedBody): Promise<readonly string[]> {
    await this.make(path, body)
    const address = this.address(path)
    return [address, readIdentifier(await this.#facts.client.retrieve(address)) ?? address]
  }

  /** Creates an instance below a resource, which is made when it is not there. The requests leave at once. */
  append(path: string, body: NamedBody, instanceType: number, content: JsonObject): Promise<void> {
    return this.#seen(() =>
      inOrder([
        this.#ensure(path, body),
        this.#facts.client.create(this.address(path), instanceType, content, silently),
      ]),
    )
  }

  /** Creates an instance below a resource, if that is there. */
  async appendIfThere(path: string, instanceType: number, content: JsonObject): Promise<void> {
    try {
      await this.#facts.client.create(this.address(path), instanceType, content, silently)
    } catch (error) {
      if (!hasStatus(error, Status.NOT_FOUND)) throw error
    }
  }

  /** Updates a resource, which is made when it is not there, and then not updated. */
  set(path: string, body: NamedBody, content: JsonObject): Promise<void> {
    return this.#seen(async () => {
      const isFirst = !this.#ensured.has(path)
      const outcome = await this.#ensure(path, body)
      if (!isFirst || outcome === 'there') await this.#facts.client.update(this.address(path), content, silently)
    })
  }

  /** Tries again once when something is not there: somebody deleted it, and perhaps more, so that everything is looked at again. */
  async #seen(write: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const ensured = this.#current()
      try {
        await write()
        return
      } catch (error) {
        if (attempt > 1 || !hasStatus(error, Status.NOT_FOUND)) throw error
        // Once for all who notice.
        if (this.#ensured === ensured) this.#review('loss')
      }
    }
  }

  /** What is known to exist; nothing, once it is time for a renewal. */
  #current(): ReadonlyMap<string, Promise<Outcome>> {
    const nowMs = this.#facts.clock.monotonicMs()
    if (this.#ensured.size === 0) this.#ensuredSinceMs = nowMs
    else if (nowMs - this.#ensuredSinceMs >= renewalMs) this.#review('renewal')
    return this.#ensured
  }

  #review(reason: 'renewal' | 'loss'): void {
    this.#ensured = new Map()
    this.#ensuredSinceMs = this.#facts.clock.monotonicMs()
    this.#facts.onReview(reason)
  }

  /** The CSE executes requests in their order, so that nobody waits for a parent: what is new is made in one commit, readings and all. */
  #ensure(path: string, body: NamedBody): Promise<Outcome> {
    const ensured = this.#ensured
    const known = ensured.get(path)
    if (known !== undefined) return known
    const [place, name] = split(this.address(path))
    const [parentPath] = split(path)
    const parent = path === '' ? undefined : this.#ensure(parentPath, parentPath === '' ? this.#facts.root : plain)
    const own = this.#make(path, place, body(name))
    const making = inOrder([parent, own]).then(() => own)
    ensured.set(path, making)
    making.catch(() => ensured.delete(path))
    return making
  }

  /** Creates a resource. One that is there already, from an earlier run, gets the limits and labels of this one. */
  async #make(path: string, parent: string, body: Body): Promise<Outcome> {
    try {
      await this.#facts.client.create(parent, body.resourceType, body.create, silently)
      return 'made'
    } catch (error) {
      if (!hasStatus(error, Status.CONFLICT) && !hasStatus(error, Status.ORIGINATOR_HAS_ALREADY_REGISTERED)) throw error
      await this.#takeOver(this.address(path), body)
      return 'there'
    }
  }

  /** A renewal is refused while the clock stands before the time at which a child was made: then the resource stays as long as it would. */
  async #takeOver(address: string, { renewal, update }: Body): Promise<void> {
    try {
      await this.#facts.client.update(address, renewal, silently)
    } catch (error) {
      if (!hasStatus(error, Status.BAD_REQUEST)) throw error
      await this.#facts.client.update(address, update, silently)
    }
  }
}

function plain(name: string): Body {
  return container(name, [])
}

/** Settles when all have; rejects with the reason of the first in the list, which is the cause of those after it. */
async function inOrder(promises: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) if (outcome.status === 'rejected') throw outcome.reason
}

function split(path: string): readonly [parent: string, name: string] {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)]
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'responseStatusCode' in error && error.responseStatusCode === status
}
