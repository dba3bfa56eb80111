/**
 * The resources that an application has made: each is made or taken over from an earlier run, kept from expiring, and made again, with what it
 * lies in, when the CSE has lost it.
 */

import { isJsonObject, type JsonObject } from '../onem2m/content.ts'
import { Status } from '../onem2m/status.ts'
import { formatTimestamp } from '../onem2m/timestamp.ts'
import type { OneM2MClient } from './client.ts'
import { OneM2MResponseError } from './transport.ts'

export interface KeptResource {
  /** `onem2m/TestIPE/devices`: its parent's address and its name. */
  readonly address: string
  readonly resourceType: number
  /** `m2m:cnt` */
  readonly memberName: string
  /** Attributes of the CREATE but for name and expiration time. */
  readonly attributes: JsonObject
  /** Of these, those that are set again when the resource is taken over. */
  readonly renewed?: JsonObject
  /** Called with its resourceID, which changes when it is made again. */
  readonly found?: (resourceIdentifier: string) => void
  /** Called when it is gone together with what it lay in, which is somebody else's. */
  readonly lost?: () => void
}

interface UpkeepOptions {
  readonly client: OneM2MClient
  readonly lifetimeMs: number
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export class Upkeep {
  readonly #options: UpkeepOptions
  /** In the order in which they were made: parents come before their children. */
  readonly #kept = new Map<string, KeptResource>()

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  /** Makes a resource, or takes it over, and keeps it. Rejects with OneM2MResponseError. */
  async keep(resource: KeptResource): Promise<void> {
    await this.#make(resource)
    this.#kept.set(resource.address, resource)
  }

  /** Kept no more; whether it is there or not. */
  forget(address: string): void {
    this.#kept.delete(address)
  }

  /** Addresses of what is kept, the newest first. */
  get addresses(): readonly string[] {
    return [...this.#kept.keys()].toReversed()
  }

  /** Moves the expiration of everything that is kept, and makes anew what is gone. Rejects with the first error of another kind. */
  async renew(): Promise<void> {
    for (const resource of [...this.#kept.values()]) {
      try {
        await this.#update(resource)
      } catch (error) {
        if (!isGone(error)) throw error
        await this.#makeAgain(resource)
      }
    }
  }

  /** Does something with a kept resource; when it turns out to be gone it is made again, and the same is done again, once. */
  async with<T>(address: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      if (!isGone(error) || !this.#kept.has(address)) throw error
      await this.renew()
      return act()
    }
  }

  /** What lies in something of somebody else may have to wait until that is there again: it is tried each time. */
  async #makeAgain(resource: KeptResource): Promise<void> {
    try {
      await this.#make(resource)
    } catch (error) {
      const { address, lost } = resource
      if (!isGone(error) || this.#kept.has(address.slice(0, address.lastIndexOf('/')))) throw error
      lost?.()
    }
  }

  async #make(resource: KeptResource): Promise<void> {
    const { client } = this.#options
    const { address, resourceType, memberName, attributes, found } = resource
    const slash = address.lastIndexOf('/')
    const content = { [memberName]: { ...attributes, rn: address.slice(slash + 1), et: this.#expirationTime } }
    try {
      const created = (await client.create(address.slice(0, slash), resourceType, content))[memberName]
      if (found !== undefined) await this.#tell(resource, created)
    } catch (error) {
      if (!isThere(error)) throw error
      await this.#update(resource)
      if (found !== undefined) await this.#tell(resource, undefined)
    }
  }

  async #tell({ address, memberName, found }: KeptResource, known: unknown): Promise<void> {
    const { client } = this.#options
    const attributes =
      isJsonObject(known) && known['ri'] !== undefined ? known : (await client.retrieve(address))[memberName]
    if (isJsonObject(attributes)) found?.(String(attributes['ri']))
  }

  async #update({ address, memberName, renewed }: KeptResource): Promise<void> {
    await this.#options.client.update(address, { [memberName]: { ...renewed, et: this.#expirationTime } })
  }

  get #expirationTime(): string {
    return formatTimestamp(this.#options.now() + this.#options.lifetimeMs)
  }
}

export function isGone(error: unknown): boolean {
  return error instanceof OneM2MResponseError && error.responseStatusCode === Status.NOT_FOUND
}

function isThere(error: unknown): boolean {
  return (
    error instanceof OneM2MResponseError &&
    (error.responseStatusCode === Status.CONFLICT ||
      error.responseStatusCode === Status.ORIGINATOR_HAS_ALREADY_REGISTERED)
  )
}
