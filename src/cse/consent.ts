/**
 * Requests that others have to agree to before they are executed: notification targets that are asked whether they want to be notified
 * (TS-0004 7.4.8.2.1), and those that decide of updates (blocking update, TS-0004 7.3.3.8).
 */

import { OneM2MError, type ResponseStatusCode, Status } from '../onem2m/status.ts'
import { parseAbsoluteOrRelative } from '../onem2m/timestamp.ts'
import type { Question } from '../resources/behaviour.ts'
import type { Execution } from './execution.ts'
import type { Eventually } from './outcome.ts'

/** Which targets are verified: none, AEs and CSEs, or URLs as well. */
export type Verification = 'none' | 'entities' | 'all'

export class Consent {
  readonly #verification: Verification
  readonly #questions: Question[] = []
  #isGiven = false

  constructor(verification: Verification) {
    this.#verification = verification
  }

  /** True when there is no need to ask, or all have agreed. */
  ask(question: Question): boolean {
    if (this.#isGiven || (question.isVerification && !this.#isVerified(question.target))) return true
    this.#questions.push(question)
    return false
  }

  get isNeeded(): boolean {
    return !this.#isGiven && this.#questions.length > 0
  }

  /**
   * Asks, then has the request executed again from its start: the tree may be another one by then. Nothing may have been changed yet.
   * Rejects with what the refusal of a target is for the originator.
   */
  async obtain(execution: Execution, again: () => Eventually): Promise<() => Eventually> {
    const { parts, request } = execution
    const { notification } = parts.settings
    const expiry = request.requestExpirationTimestamp
    const expiresMs = expiry === undefined ? Number.POSITIVE_INFINITY : parseAbsoluteOrRelative(expiry, execution.nowMs)
    const timeoutMs = Math.min(notification.timeoutMs, (expiresMs ?? Number.POSITIVE_INFINITY) - execution.nowMs)
    await Promise.all(this.#questions.map((question) => put(execution, question, timeoutMs)))
    this.#isGiven = true
    return again
  }

  #isVerified(target: string): boolean {
    return this.#verification === 'all' || (this.#verification === 'entities' && !/^[a-z][a-z0-9+.-]*:/.test(target))
  }
}

async function put({ parts }: Execution, question: Question, timeoutMs: number): Promise<void> {
  const { target, notification, isVerification } = question
  const refused = (status: ResponseStatusCode, reason: string) =>
    new OneM2MError(isVerification ? verificationRefusal(status) : updateRefusal(status), `nu: ${target}: ${reason}`)
  let status: ResponseStatusCode
  try {
    status = (await parts.notifier.ask(target, notification, timeoutMs)).responseStatusCode
  } catch (error) {
    if (!(error instanceof OneM2MError)) throw error
    throw refused(error.status, error.message)
  }
  if (status >= 3000) throw refused(status, `answered ${status}`)
}

/** TS-0004 7.4.8.2.1: what the target's CSE says of rights is handed on. */
function verificationRefusal(status: ResponseStatusCode): ResponseStatusCode {
  return status === Status.SUBSCRIPTION_CREATOR_HAS_NO_PRIVILEGE || status === Status.SUBSCRIPTION_HOST_HAS_NO_PRIVILEGE
    ? status
    : Status.SUBSCRIPTION_VERIFICATION_INITIATION_FAILED
}

/** TS-0004 7.3.3.8. */
function updateRefusal(status: ResponseStatusCode): ResponseStatusCode {
  return status === Status.TARGET_NOT_REACHABLE || status === Status.REQUEST_TIMEOUT
    ? Status.REMOTE_ENTITY_NOT_REACHABLE
    : Status.OPERATION_DENIED_BY_REMOTE_ENTITY
}
