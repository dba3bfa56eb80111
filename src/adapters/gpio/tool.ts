/** The gpiod tools: what versions 1 and 2 are asked and answer. */

import { join } from 'node:path'
import { readChild } from '../child.ts'

export interface LineRequest {
  readonly chip: string
  readonly line: number
  readonly activeLow: boolean
  readonly bias: 'as-is' | 'disable' | 'pull-up' | 'pull-down'
  readonly debounceMs: number
}

export interface Edge {
  readonly line: number
  readonly isRising: boolean
}

export interface Invocation {
  readonly command: string
  readonly arguments: readonly string[]
}

export class GpioTools {
  readonly #directory: string
  /** 1 or 2. */
  readonly version: number

  private constructor(directory: string, version: number) {
    this.#directory = directory
    this.version = version
  }

  /** Finds out which version there is. Rejects when there is none. */
  static async find(directory: string, signal: AbortSignal): Promise<GpioTools> {
    const [line = ''] = await readChild(join(directory, 'gpiodetect'), ['--version'], signal)
    const version = Number(/\bv?(\d+)\.\d+/.exec(line)?.[1])
    if (version !== 1 && version !== 2)
      throw new Error(`gpiodetect says ${JSON.stringify(line)}: versions 1 and 2 are known`)
    return new GpioTools(directory, version)
  }

  /** Chips in words: `gpiochip0 [pinctrl-bcm2711] (58 lines)`. */
  detect(signal: AbortSignal): Promise<readonly string[]> {
    return readChild(join(this.#directory, 'gpiodetect'), [], signal)
  }

  /** The level of a line that nobody else holds. */
  async get(request: LineRequest, signal: AbortSignal): Promise<boolean> {
    const { chip, line } = request
    const place = this.version === 1 ? [chip, `${line}`] : ['--numeric', '--chip', chip, `${line}`]
    const [answer] = await readChild(join(this.#directory, 'gpioget'), [...this.#options(request), ...place], signal)
    if (answer !== '0' && answer !== '1') throw new Error(`gpioget says ${JSON.stringify(answer)}`)
    return answer === '1'
  }

  /** Watches lines of one chip that share their options; it runs until it is ended. */
  monitor(request: LineRequest, lines: readonly number[]): Invocation {
    const numbers = lines.map(String)
    const own =
      this.version === 1
        ? ['--line-buffered', '--format=%o %e', request.chip, ...numbers]
        : ['--format=%o %e', `--debounce-period=${request.debounceMs}ms`, '--chip', request.chip, ...numbers]
    return { command: join(this.#directory, 'gpiomon'), arguments: [...this.#options(request), ...own] }
  }

  /** Line number and 1 for a rising edge; falling is 0 in version 1, 2 in version 2. */
  parseEdge(text: string): Edge | undefined {
    const [, line, event] = /^(\d+) ([012])$/.exec(text.trim()) ?? []
    return line === undefined ? undefined : { line: Number(line), isRising: event === '1' }
  }

  /** Holds an output. Version 2 takes further commands on its standard input; of version 1 a new process is needed for each. */
  hold({ chip, line, activeLow }: LineRequest, level: boolean): Invocation {
    const assignment = `${line}=${level ? 1 : 0}`
    const low = activeLow ? ['--active-low'] : []
    return {
      command: join(this.#directory, 'gpioset'),
      arguments:
        this.version === 1
          ? ['--mode=signal', ...low, chip, assignment]
          : ['--interactive', '--unquoted', ...low, '--chip', chip, assignment],
    }
  }

  #options({ activeLow, bias }: LineRequest): readonly string[] {
    const resistor = bias === 'disable' && this.version === 2 ? 'disabled' : bias
    return [...(activeLow ? ['--active-low'] : []), ...(bias === 'as-is' ? [] : [`--bias=${resistor}`])]
  }
}
