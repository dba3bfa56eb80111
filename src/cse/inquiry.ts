/**
 * What others have to say before a request is executed: notification targets that are asked whether they want to be notified (TS-0004
 * 7.4.8.2.1), those that decide of updates (blocking update, TS-0004 7.3.3.8), those that let others go, and other CSEs that tell what a
 * member of a group is (TS-0004 7.4.13.2.1).
 */

import { contentObject, isJsonObject } from '../onem2m/content.ts'
import { Operation } from '../onem2m/primitive.ts'
import { OneM2MError, type ResponseStatusCode, Status } from '../onem2m/status.ts'
import { parseAbsoluteOrRelative } from '../onem2m/timestamp.ts'
import type { Distant, Question } from '../resources/behaviour.ts'
import { decodeStored } from '../resources/resource-type.ts'
import type { Execution } from './execution.ts'
import type { Eventually } from './outcome.ts'

/** Which targets are verified: none, AEs and CSEs, or URLs as well. */
export type Verification = 'none' | 'entities' | 'all'

/** Resources of other CSEs that are asked for at a time. */
const askedAtOnce = 16

export class Inquiry {
  readonly #verification: Verification
  readonly #questions: Question[] = []
  /** By their addresses; undefined for what is still to be asked for, or can't be had. */
  readonly #distant = new Map<string, Distant | undefined>()
  #isMade = false

  constructor(verification: Verification) {
    this.#verification = verification
  }

  /** True when there is no need to ask, or all have agreed. */
  ask(question: Question): boolean {
    if (this.#isMade || (question.about === 'notification' && !this.#isVerified(question.target))) return true
    this.#questions.push(question)
    return false
  }

  /** What another CSE says of its resource, once it was asked. */
  learn(address: string): Distant | undefined {
    if (!this.#isMade) this.#distant.set(address, undefined)
    return this.#distant.get(address)
  }

  get isNeeded(): boolean {
    return !this.#isMade && this.#questions.length + this.#distant.size > 0
  }

  /**
   * Asks, then has the request executed again from its start: the tree may be another one by then. Nothing may have been changed yet.
   * Rejects with what the refusal of a target is for the originator.
   */
  async make(execution: Execution, again: () => Eventually): Promise<() => Eventually> {
    const { parts, request } = execution
    const { notification } = parts.settings
    const expiry = request.requestExpirationTimestamp
    const expiresMs = expiry === undefined ? Number.POSITIVE_INFINITY : parseAbsoluteOrRelative(expiry, execution.nowMs)
    const timeoutMs = Math.min(notification.timeoutMs, (expiresMs ?? Number.POSITIVE_INFINITY) - execution.nowMs)
    await Promise.all([
      ...this.#questions.map((question) => put(execution, question, timeoutMs)),
      this.#retrieve(execution, timeoutMs),
    ])
    this.#isMade = true
    return again
  }

  /** What the time does not suffice for stays unknown. */
  async #retrieve(execution: Execution, timeoutMs: number): Promise<void> {
    const left = [...this.#distant.keys()]
    const untilMs = execution.parts.clock.monotonicMs() + timeoutMs
    const retrieveNext = async () => {
      for (let address = left.pop(); address !== undefined; address = left.pop()) {
        if (execution.parts.clock.monotonicMs() >= untilMs) return
        this.#distant.set(address, await distant(execution, address))
      }
    }
    await Promise.all(Array.from({ length: Math.min(askedAtOnce, left.length) }, retrieveNext))
  }

  #isVerified(target: string): boolean {
    return this.#verification === 'all' || (this.#verification === 'entities' && !/^[a-z][a-z0-9+.-]*:/.test(target))
  }
}

async function put({ parts }: Execution, question: Question, timeoutMs: number): Promise<void> {
  const { target, notification, about } = question
  const refused = (status: ResponseStatusCode, reason: string) =>
    new OneM2MError(refusals[about](status), `nu: ${target}: ${reason}`)
  let status: ResponseStatusCode
  try {
    status = (await parts.notifier.ask(target, notification, timeoutMs)).responseStatusCode
  } catch (error) {
    if (!(error instanceof OneM2MError)) throw error
    throw refused(error.status, error.message)
  }
  if (status >= 3000) throw refused(status, `answered ${status}`)
}

/** A resource of another CSE, as it shows it to the originator. */
async function distant(execution: Execution, address: string): Promise<Distant | undefined> {
  const { parts, originator, nowMs } = execution
  try {
    const { status, relayed } = await parts.forwarding.forward({
      request: {
        operation: Operation.RETRIEVE,
        to: address,
        originator,
        requestIdentifier: parts.randomId(),
        releaseVersionIndicator: execution.request.releaseVersionIndicator ?? '3',
      },
      originator,
      nowMs,
    })
    if (status === Status.ORIGINATOR_HAS_NO_PRIVILEGE) return 'forbidden'
    if (status !== Status.OK || relayed?.content === undefined) return undefined
    const [memberName = '', wire] = Object.entries(contentObject(relayed.content))[0] ?? []
    if (!isJsonObject(wire)) return undefined
    const definition = parts.typesByMemberName.get(memberName) ?? parts.resourceTypes.get(Number(wire['ty']))
    return definition === undefined ? undefined : { definition, stored: decodeStored(definition, wire) }
  } catch (error) {
    // Out of reach, or not to be understood here.
    if (error instanceof OneM2MError) return undefined
    throw error
  }
}

/** TS-0004 7.4.8.2.1: what the target's CSE says of rights is handed on. */
function verificationRefusal(status: ResponseStatusCode): ResponseStatusCode {
  return status === Status.SUBSCRIPTION_CREATOR_HAS_NO_PRIVILEGE || status === Status.SUBSCRIPTION_HOST_HAS_NO_PRIVILEGE
    ? status
    : Status.SUBSCRIPTION_VERIFICATION_INITIATION_FAILED
}

const refusals: Readonly<Record<Question['about'], (status: ResponseStatusCode) => ResponseStatusCode>> = {
  notification: verificationRefusal,
  update: updateRefusal,
  // Whatever it is that keeps the subscription's owner from agreeing.
  removal: () => Status.ORIGINATOR_HAS_NO_PRIVILEGE,
}

/** TS-0004 7.3.3.8. */
function updateRefusal(status: ResponseStatusCode): ResponseStatusCode {
  return status === Status.TARGET_NOT_REACHABLE || status === Status.REQUEST_TIMEOUT
    ? Status.REMOTE_ENTITY_NOT_REACHABLE
    : Status.OPERATION_DENIED_BY_REMOTE_ENTITY
}
