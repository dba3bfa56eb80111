/** How requests that come to a client (notifications above all) are answered: once each, with a status, whatever the application does. */

import type { JsonObject } from '../onem2m/content.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, type ResponseStatusCode, Status } from '../onem2m/status.ts'

/** What an application says to a request; nothing is OK. */
export interface Answer {
  readonly responseStatusCode: ResponseStatusCode
  readonly content?: JsonObject
}

/** Serves requests. What it throws is the answer: the status of a OneM2MError, INTERNAL_SERVER_ERROR for anything else. */
export type RequestReceiver = (request: RequestPrimitive) => Promise<Answer | undefined> | Answer | undefined

/** Answers that are remembered for copies of their requests, which QoS 1 and retries bring. */
const maxRemembered = 256
/** Requests that may be under way; more are told to come again. */
const maxInProgress = 256

export class Reception {
  readonly #receive: RequestReceiver
  readonly #answers = new Map<string, Promise<ResponsePrimitive>>()
  #inProgress = 0

  constructor(receive: RequestReceiver) {
    this.#receive = receive
  }

  /** A copy of a request gets the answer of the first. Never rejects. */
  take(request: RequestPrimitive): Promise<ResponsePrimitive> {
    const key = `${request.originator ?? ''}\0${request.requestIdentifier}`
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    if (this.#inProgress >= maxInProgress) {
      const text = `${maxInProgress} requests are under way here, try again later`
      return Promise.resolve(responseTo(request, refusal(Status.TARGET_NOT_REACHABLE, text)))
    }
    const answer = this.#answer(request)
    const [oldest] = this.#answers.keys()
    if (this.#answers.size >= maxRemembered && oldest !== undefined) this.#answers.delete(oldest)
    this.#answers.set(key, answer)
    return answer
  }

  async #answer(request: RequestPrimitive): Promise<ResponsePrimitive> {
    this.#inProgress++
    try {
      return responseTo(request, (await this.#receive(request)) ?? { responseStatusCode: Status.OK })
    } catch (error) {
      const status = error instanceof OneM2MError ? error.status : Status.INTERNAL_SERVER_ERROR
      return responseTo(request, refusal(status, error instanceof Error ? error.message : String(error)))
    } finally {
      this.#inProgress--
    }
  }
}

function refusal(responseStatusCode: ResponseStatusCode, text: string): Answer {
  return { responseStatusCode, content: { 'm2m:dbg': text } }
}

function responseTo(
  { requestIdentifier, releaseVersionIndicator }: RequestPrimitive,
  answer: Answer,
): ResponsePrimitive {
  return { ...answer, requestIdentifier, ...(releaseVersionIndicator && { releaseVersionIndicator }) }
}
