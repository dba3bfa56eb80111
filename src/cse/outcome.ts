/** What an operation comes to, before it is a response: the status, and content that may still be a resource. */

import type { Content } from '../onem2m/content.ts'
import type { ResponsePrimitive } from '../onem2m/primitive.ts'
import type { ResponseStatusCode } from '../onem2m/status.ts'
import type { Resource, StoredInstance } from './resource.ts'

/** A resource stands for all its attributes. */
export type OutcomeContent = Content | Resource | StoredInstance | undefined

export interface Outcome {
  readonly status: ResponseStatusCode
  /** What is worked out when the response is written, because consequences of the change may still change it, is a function. */
  readonly content?: OutcomeContent | (() => OutcomeContent)
  readonly createdAt?: string
  readonly contentStatus?: number
  readonly contentOffset?: number
  /** What goes on in turns with others once the change is stored, and is waited for before the response. Must not reject. */
  readonly completion?: () => Promise<void>
  /** The response of another CSE, which is passed on as it is. */
  readonly relayed?: ResponsePrimitive
}

/**
 * The outcome of an operation, at once or later. One that changes something after it had to wait comes as what is left to be done: it then
 * changes memory and joins a commit group in one go, and nobody else's change comes between.
 */
export type Eventually = Outcome | Promise<Outcome | (() => Eventually)>
