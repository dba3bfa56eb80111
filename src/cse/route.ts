/**
 * The way to other CSEs (TS-0004 7.3.2.6): which remoteCSE an address lies behind, and in whose name a CSE may speak. A CSE knows those that
 * are registered with it, those behind them, and its registrar for all others.
 */

import type { Resource } from './resource.ts'
import type { Tree } from './tree.ts'

interface RouteFacts {
  readonly tree: Tree
  readonly cseId: string
  readonly spId: string
  /** The CSE that this one registers with; undefined at the top. */
  readonly registrarCseId: string | undefined
}

export const remoteCseType = 16

export class Routes {
  readonly #facts: RouteFacts

  constructor(facts: RouteFacts) {
    this.#facts = facts
  }

  /** The remoteCSE of a CSE-ID. */
  remoteCse(cseId: string): Resource | undefined {
    for (const resource of this.#facts.tree.ofType(remoteCseType))
      if (resource.stored['cseId'] === cseId) return resource
    return undefined
  }

  /**
   * The remoteCSE that leads to an address at another CSE; undefined when there is none. What nobody here knows goes to the registrar, unless it
   * comes from there: that is what keeps requests from going round in circles.
   */
  towards(address: string, originator: string): Resource | undefined {
    const below = this.#below(this.#cseOf(address))
    if (below !== undefined) return below
    const { registrarCseId } = this.#facts
    return registrarCseId === undefined || !this.#isBelow(originator) ? undefined : this.remoteCse(registrarCseId)
  }

  /** The address of the CSEBase of another CSE; `-` stands for it where its name is not known (TS-0001 7.2). */
  baseOf(cseId: string): string {
    const base = this.remoteCse(cseId)?.stored['cseBase'] as string | undefined
    if (base === undefined) return `${cseId}/-`
    return base.startsWith('/') ? base : `${cseId}/${base}`
  }

  /** True when a CSE may bring requests of this originator: of those behind it, and of the whole world when it is the registrar. */
  speaksFor(cseId: string, originator: string): boolean {
    const remote = this.remoteCse(cseId)
    if (remote === undefined || !originator.startsWith('/')) return false
    const cse = this.#cseOf(originator)
    if (cse === this.#facts.cseId) return false
    if (cse === cseId) return true
    return cseId === this.#facts.registrarCseId ? this.#below(cse) === undefined : this.#below(cse) === remote
  }

  /** True for the CSEs that have registered, those behind them, and their AEs; where there is a registrar, for all that are behind it. */
  isRegistered(originator: string): boolean {
    if (!originator.startsWith('/')) return false
    const { registrarCseId } = this.#facts
    const behind = this.#below(this.#cseOf(originator))
    return (behind ?? (registrarCseId === undefined ? undefined : this.remoteCse(registrarCseId))) !== undefined
  }

  /** The CSE-IDs that are reached through this CSE: what its registrar is told as descendantCSEs. */
  descendants(): readonly string[] {
    const found: string[] = []
    for (const { stored } of this.#facts.tree.ofType(remoteCseType)) {
      if (stored['cseId'] === this.#facts.registrarCseId) continue
      found.push(stored['cseId'] as string, ...((stored['descendantCses'] as readonly string[] | undefined) ?? []))
    }
    return found.toSorted()
  }

  #isBelow(originator: string): boolean {
    if (!originator.startsWith('/')) return true
    const { cseId, registrarCseId } = this.#facts
    const cse = this.#cseOf(originator)
    if (cse === cseId) return true
    const remote = this.#below(cse)
    return remote !== undefined && remote.stored['cseId'] !== registrarCseId
  }

  #below(cse: string): Resource | undefined {
    for (const resource of this.#facts.tree.ofType(remoteCseType)) {
      const { cseId, descendantCses } = resource.stored
      if (cseId === cse || (descendantCses as readonly string[] | undefined)?.includes(cse) === true) return resource
    }
    return undefined
  }

  /** The CSE-ID in an address or originator that begins with a slash; absolute where the service provider is another one. */
  #cseOf(address: string): string {
    const { spId } = this.#facts
    const inSp = address.startsWith(`${spId}/`) ? address.slice(spId.length) : address
    const afterSp = inSp.startsWith('//') ? inSp.indexOf('/', 2) : 0
    const end = inSp.indexOf('/', afterSp + 1)
    return end < 0 || afterSp < 0 ? inSp : inSp.slice(0, end)
  }
}
