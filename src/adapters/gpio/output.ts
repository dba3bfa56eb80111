/** An output of a GPIO chip: a process holds the line at its level for as long as it lives. */

import type { ChildProcess } from 'node:child_process'
import { runChild } from '../child.ts'
import type { GpioTools, LineRequest } from './tool.ts'

/** A version 1 tool that has not ended within this time holds its line. */
const settledMs = 100

/** A process that holds the line. */
interface Hold {
  readonly child: ChildProcess
  readonly end: AbortController
  readonly ended: Promise<string>
}

export class Output {
  readonly #tools: GpioTools
  readonly #request: LineRequest
  readonly #signal: AbortSignal
  #holding: Hold | undefined
  #onAnswer: ((line: string) => void) | undefined

  constructor(tools: GpioTools, request: LineRequest, signal: AbortSignal) {
    this.#tools = tools
    this.#request = request
    this.#signal = signal
  }

  /** Resolves when the line has the level. Rejects with what the tool says. */
  async set(level: boolean): Promise<void> {
    if (this.#tools.version === 1) await this.#release()
    const fresh = this.#holding === undefined
    const { child, ended } = this.#holding ?? (await this.#hold(level))
    const failed = ended.then((ending) => Promise.reject(new Error(ending)))
    failed.catch(() => {})
    if (this.#tools.version === 1) {
      await Promise.race([failed, new Promise<void>((resolve) => setTimeout(resolve, settledMs).unref())])
      return
    }
    const { line } = this.#request
    const answer = new Promise<string>((resolve) => {
      this.#onAnswer = resolve
    })
    child.stdin?.write(`${fresh ? '' : `set ${line}=${level ? 1 : 0}\n`}get ${line}\n`)
    const text = await Promise.race([failed, answer])
    if (/\binactive\b/.test(text) === level) throw new Error(`gpioset says ${JSON.stringify(text)}`)
  }

  async #hold(level: boolean): Promise<Hold> {
    const end = new AbortController()
    const signal = AbortSignal.any([this.#signal, end.signal])
    const invocation = this.#tools.hold(this.#request, level)
    return new Promise((resolve, reject) => {
      const ended = runChild({
        ...invocation,
        signal,
        onLine: (line) => {
          if (/\b(?:in)?active\b/.test(line)) this.#onAnswer?.(line)
        },
        onStart: (child) => {
          this.#holding = { child, end, ended }
          resolve(this.#holding)
        },
      }).then(({ ending }) => {
        if (this.#holding?.end === end) this.#holding = undefined
        return ending
      })
      ended.catch(reject)
    })
  }

  async #release(): Promise<void> {
    const holding = this.#holding
    this.#holding = undefined
    holding?.end.abort()
    await holding?.ended
  }
}
