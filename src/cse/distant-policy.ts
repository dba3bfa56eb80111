/**
 * Policies that lie at other CSEs (TS-0004 7.3.3.15): what they said when they were read last, and when they are read again. Each CSE is
 * asked in the name of this one, which its policies therefore have to let in.
 */

import type { Clock } from '../onem2m/clock.ts'
import { contentObject, isJsonObject } from '../onem2m/content.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import { Status } from '../onem2m/status.ts'
import { accessControlPolicy, type SetOfAccessControlRules } from '../resources/access-control-policy.ts'
import { type Attributes, decodeStored } from '../resources/resource-type.ts'

interface DistantPolicyFacts {
  readonly clock: Clock
  readonly cseId: string
  readonly randomId: () => string
  /** Sends a request to another CSE, once; rejects when that can't be reached or does not answer. */
  readonly carry: (target: string, request: RequestPrimitive) => Promise<ResponsePrimitive>
}

interface Known {
  /** Undefined when there is none that this CSE can read: it grants nothing. */
  readonly stored: Attributes | undefined
  readonly readAtMs: number
}

/** For so long what was read counts; who takes a right away waits no longer for it. */
const freshMs = 30_000
/** Policies that are read at the same time; what is more is not known. */
const maxReading = 100
/** Policies that are remembered; with one more the one that was read first is forgotten. */
const maxKnown = 1000

export class DistantPolicies {
  readonly #facts: DistantPolicyFacts
  readonly #known = new Map<string, Known>()
  readonly #reading = new Map<string, Promise<void>>()

  constructor(facts: DistantPolicyFacts) {
    this.#facts = facts
  }

  /**
   * The attributes of a policy, as long as they count; else they are read, for the next who asks. With `isPatient` what was read once counts
   * until it was read again: events do not wait.
   */
  of(address: string, isPatient: boolean): Attributes | undefined {
    const known = this.#known.get(address)
    const isFresh = known !== undefined && this.#facts.clock.monotonicMs() - known.readAtMs < freshMs
    if (!isFresh && !this.#reading.has(address) && this.#reading.size < maxReading)
      this.#reading.set(
        address,
        this.#read(address).finally(() => this.#reading.delete(address)),
      )
    return isFresh || isPatient ? known?.stored : undefined
  }

  /** Resolves when those of these that are being read were read; undefined when none is. */
  reading(addresses: readonly string[]): Promise<unknown> | undefined {
    const open = addresses.flatMap((address) => this.#reading.get(address) ?? [])
    return open.length === 0 ? undefined : Promise.all(open)
  }

  async #read(address: string): Promise<void> {
    const stored = await this.#retrieve(address)
    this.#known.delete(address)
    if (this.#known.size >= maxKnown) this.#known.delete(this.#known.keys().next().value as string)
    this.#known.set(address, { stored, readAtMs: this.#facts.clock.monotonicMs() })
  }

  async #retrieve(address: string): Promise<Attributes | undefined> {
    const { cseId, randomId, carry } = this.#facts
    try {
      const { responseStatusCode, content } = await carry(address, {
        operation: Operation.RETRIEVE,
        to: address,
        originator: cseId,
        requestIdentifier: randomId(),
        releaseVersionIndicator: '3',
      })
      const wire = responseStatusCode === Status.OK && content !== undefined ? contentObject(content) : {}
      const policy = wire[accessControlPolicy.memberName]
      return isJsonObject(policy) ? qualified(decodeStored(accessControlPolicy, policy), hostOf(address)) : undefined
    } catch {
      // Out of reach, or not to be understood here.
      return undefined
    }
  }
}

/** The CSE part of an address at another CSE. */
function hostOf(address: string): string {
  return /^(?:\/\/[^/]+)?\/[^/]+/.exec(address)?.[0] ?? ''
}

/** The rules as they read here: originators without a CSE are those of the policy's CSE, and none of this one's. */
function qualified(policy: Attributes, host: string): Attributes {
  const qualify = (entry: string) => (entry === 'all' || /^[/S*]/.test(entry) ? entry : `${host}/${entry}`)
  const rulesOf = (name: string): SetOfAccessControlRules => {
    const { accessControlRules = [] } = (policy[name] as SetOfAccessControlRules | undefined) ?? {}
    return {
      accessControlRules: accessControlRules.map((rule) => ({
        ...rule,
        accessControlOriginators: rule.accessControlOriginators.map(qualify),
      })),
    }
  }
  return { privileges: rulesOf('privileges'), selfPrivileges: rulesOf('selfPrivileges') }
}
