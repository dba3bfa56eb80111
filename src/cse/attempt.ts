/** Who waits until something that is to be done at other CSEs was tried: responses to requests that announce something, for a limited time. */

import type { Clock } from '../onem2m/clock.ts'

/** A response waits no longer than this for another CSE. */
const patienceMs = 3000

export class Attempts<Task extends object> {
  readonly #clock: Clock
  readonly #waiting = new Map<Task, () => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when all of these were tried, or when it takes too long. */
  wait(tasks: readonly Task[]): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(patienceMs, resolve)
      void Promise.all(tasks.map((task) => this.#attempt(task))).then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** It was done, or given up, or there is no telling when it can be. */
  tried(task: Task): void {
    const tell = this.#waiting.get(task)
    this.#waiting.delete(task)
    tell?.()
  }

  #attempt(task: Task): Promise<void> {
    return new Promise((resolve) => {
      const others = this.#waiting.get(task)
      this.#waiting.set(task, () => {
        others?.()
        resolve()
      })
    })
  }
}
