/** What a training application is given, and what the list of them needs to know of each. */

import type { ApplicationOptions } from '../index.ts'

export interface Setting {
  /** The CSE: `mqtt://localhost#mn-cse-1`, `http://localhost:8000`. */
  readonly url: string
  /** What an `Application` is made with; its name is the lesson's unless there is one here. */
  readonly application: Omit<ApplicationOptions, 'name'> & { readonly name?: string }
  /** The CSEBase in whose tree things are looked for: `onem2m`, or `/mn-cse-1/onem2m` from another CSE. */
  readonly place: string
  print(line: string): void
}

export interface Lesson {
  /** As it is started: `sensor-ipe`. */
  readonly name: string
  readonly text: string
  /** Resolves with an exit code, or with anything else for 0. */
  play(setting: Setting): Promise<unknown>
}
