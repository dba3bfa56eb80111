/** What a command of the command line is made of, and the exit codes that they all use (sysexits.h). */

export const ExitCode = { OK: 0, FAILURE: 1, USAGE: 64, UNAVAILABLE: 69, CANNOT_CREATE: 73, CONFIGURATION: 78 } as const

export interface OptionRow {
  /** The name of its value in the help (`HOST:PORT`); absent for a switch. */
  readonly value?: string
  readonly short?: string
  /** May be given several times. */
  readonly isRepeatable?: boolean
  readonly text: string
}

export interface Command {
  readonly name: string
  /** What follows the name: `PATH [TYPE]`. */
  readonly operands?: string
  /** How many of those must and may be there. */
  readonly operandCount: readonly [minimum: number, maximum: number]
  readonly summary: string
  readonly options: Readonly<Record<string, OptionRow>>
  readonly examples: readonly string[]
  /** What the command needs is loaded when it runs, and not for the others. */
  readonly load: () => Promise<{ run(invocation: Invocation): Promise<number> }>
}

/** A command with what was given to it. */
export interface Invocation {
  readonly operands: readonly string[]
  readonly flags: ReadonlySet<string>
  readonly values: Readonly<Record<string, readonly string[] | undefined>>
  readonly surroundings: Surroundings
}

/** The world outside as a command sees it. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly isTerminal: boolean
  print(line: string): void
  complain(line: string): void
  readInput(): Promise<string>
}

/** The user typed something that can't be: said in one sentence, exit code 64. */
export class UsageError extends Error {}

/** `fieldgate get PATH` */
export function usageOf({ name, operands }: Command): string {
  return `fieldgate ${name}${operands ? ` ${operands}` : ''}`
}
