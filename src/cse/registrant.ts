/**
 * Who has registered which AE or CSE, and what follows from it for everybody who uses an identifier: nobody speaks for somebody else.
 * TS-0004 7.3.2.1, TS-0010 clause 7. What a principal has registered stays its own, also when the AE is gone.
 */

import { entityOfIdentifier, type OwnIdentity } from '../onem2m/mqtt-mapping.ts'
import { Operation, type RequestPrimitive } from '../onem2m/primitive.ts'
import { names, type Principal } from '../onem2m/principal.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Store } from '../store/store.ts'
import type { RequestContext } from './handler.ts'
import type { Transaction } from './transaction.ts'

interface RegistrantFacts {
  readonly store: Store
  readonly own: OwnIdentity
  isRegistered(identifier: string): boolean
  /** Rights on topics may be others from now on. */
  changed(): void
}

const aeType = 2
const remoteCseType = 16
const prefix = 'p/'

export class Registrants {
  readonly #facts: RegistrantFacts
  /** Names of principals by entity. */
  readonly #owners = new Map<string, string>()
  readonly #principals = new Set<string>()

  constructor(facts: RegistrantFacts) {
    this.#facts = facts
  }

  async load(): Promise<void> {
    for await (const [key, name] of this.#facts.store.scanText({ from: prefix, to: `${prefix}\u{10ffff}` })) {
      this.#owners.set(key.slice(prefix.length), name)
      this.#principals.add(name)
    }
  }

  /** Whether a principal, or somebody who has shown no credentials, may speak for an entity. */
  mayUse(principal: Principal | undefined, entity: string): boolean {
    const owner = this.#owners.get(entity)
    if (principal === undefined) {
      if (owner !== undefined) return false
    } else if (!principal.isAdministrator && owner !== principal.name && !names(principal.originators, entity)) {
      // What lies behind a CSE comes through it.
      const slash = entity.indexOf('/')
      return slash > 0 && this.mayUse(principal, entity.slice(0, slash))
    }
    return true
  }

  /** Refuses a request in the name of an entity that is not the requester's. Throws ORIGINATOR_NOT_AUTHENTICATED. */
  check(request: RequestPrimitive, { source, principal, broughtBy }: RequestContext): void {
    if (source === 'internal' || (principal === undefined && this.#owners.size === 0)) return
    const { originator = '' } = request
    const isRegistration =
      request.operation === Operation.CREATE &&
      (request.resourceType === aeType || request.resourceType === remoteCseType)
    // A CSE that brings requests of others answers for them: those behind it, whatever CSEs they have come through.
    const speaker = isRegistration ? originator : (broughtBy ?? originator)
    const entity = entityOfIdentifier(speaker, this.#facts.own)
    if (isRegistration ? this.mayRegister(principal, entity) : this.mayUse(principal, entity)) return
    throw new OneM2MError(
      Status.ORIGINATOR_NOT_AUTHENTICATED,
      `fr: ${originator === '' ? 'nobody' : originator.slice(0, 80)} is not ${
        principal === undefined ? 'for those who show no credentials' : `for ${principal.name}`
      }`,
    )
  }

  /** Whether a registration in the name of an entity, or of none yet, may be tried. */
  mayRegister(principal: Principal | undefined, entity: string): boolean {
    const isNameless = namesNobody(entity)
    if (principal === undefined) return isNameless || !this.#owners.has(entity)
    if (!isNameless && this.mayUse(principal, entity)) return true
    const isFree = isNameless || (!this.#owners.has(entity) && !this.#facts.isRegistered(entity))
    if (principal.isAdministrator) return true
    // Who has lost its identifier asks for one again, and gets the one that it keeps.
    return isFree && principal.registersOne && (isNameless || !this.#principals.has(principal.name))
  }

  /**
   * In whose name a registration is: of the AE that the principal keeps, where it names none. TS-0001 10.2.2.2: what was assigned to a
   * credential stays with it.
   */
  registeringOriginator(originator: string, { principal }: RequestContext): string {
    if (principal?.registersOne !== true || !namesNobody(originator)) return originator
    for (const [entity, owner] of this.#owners)
      if (owner === principal.name && !names(principal.originators, entity)) return entity
    return originator
  }

  /** What has been registered is the principal's from now on; kept with the registration. */
  bind(transaction: Transaction, identifier: string, { principal }: RequestContext): void {
    const entity = entityOfIdentifier(identifier, this.#facts.own)
    if (principal === undefined || this.#owners.get(entity) === principal.name) return
    const { name } = principal
    const [before, wasKnown] = [this.#owners.get(entity), this.#principals.has(name)]
    this.#owners.set(entity, name)
    this.#principals.add(name)
    transaction.changes.push({ key: `${prefix}${entity}`, value: name })
    transaction.onUndo(() => {
      if (before === undefined) this.#owners.delete(entity)
      else this.#owners.set(entity, before)
      if (!wasKnown) this.#principals.delete(name)
    })
    this.#facts.changed()
  }
}

/** An AE that has no identifier yet, or leaves the choice to this CSE or to the service provider. */
function namesNobody(entity: string): boolean {
  return entity === '' || entity === 'C' || entity === 'S'
}
