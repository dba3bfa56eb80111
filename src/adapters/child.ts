/** Child processes of adapters: started without a shell, ended with their adapter, their last words kept for the reason. */

import { type ChildProcess, spawn } from 'node:child_process'
import { LineSplitter } from './line-splitter.ts'

interface ChildOptions {
  readonly command: string
  readonly arguments: readonly string[]
  /** Ends the process. */
  readonly signal: AbortSignal
  readonly environment?: Readonly<Record<string, string>>
  readonly onLine?: (line: string) => void
  readonly onStart?: (child: ChildProcess) => void
}

const maxWords = 300

/** Runs a process to its end; resolves with how it ended, in words, and its exit code. Rejects when it can't be started. */
export function runChild(options: ChildOptions): Promise<{ readonly code: number | null; readonly ending: string }> {
  const { command, signal, onLine, onStart, environment } = options
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const child = spawn(command, options.arguments, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(environment && { env: { ...process.env, ...environment } }),
    })
    let words = ''
    const splitter = new LineSplitter(
      (line) => onLine?.(line),
      () => {},
    )
    const end = () => child.kill('SIGTERM')
    signal.addEventListener('abort', end, { once: true })
    child.stdin.on('error', () => {})
    child.stdout.on('data', (chunk: Buffer) => splitter.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      words = `${words}${chunk.toString('utf8')}`.slice(-maxWords)
    })
    child.on('error', (error: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', end)
      reject(error.code === 'ENOENT' ? new Error(`${command} is not installed`) : error)
    })
    child.on('close', (code, killedBy) => {
      signal.removeEventListener('abort', end)
      const how = killedBy === null ? `ended with ${code}` : `was ended by ${killedBy}`
      resolve({ code, ending: `${command} ${how}${words.trim() === '' ? '' : `: ${words.trim()}`}` })
    })
    child.once('spawn', () => onStart?.(child))
  })
}

/** Runs a process to its end and resolves with what it wrote, line by line. Rejects when it fails. */
export async function readChild(
  command: string,
  parameters: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const lines: string[] = []
  const { code, ending } = await runChild({
    command,
    arguments: parameters,
    signal,
    onLine: (line) => lines.push(line),
  })
  if (code !== 0) throw new Error(ending)
  return lines
}
