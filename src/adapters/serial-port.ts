/** Serial ports without a native module: stty sets the line, then the terminal is an ordinary stream. What is unplugged ends the stream. */

import { constants, openSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { ReadStream } from 'node:tty'
import type { SettingRow, SettingsOf } from '../onem2m/setting-row.ts'
import { readChild } from './child.ts'

export const serialRows = [
  { key: 'baud', type: 'integer', default: 9600, minimum: 50, maximum: 4_000_000, text: 'Bits a second.' },
  { key: 'data_bits', type: 'integer', default: 8, minimum: 5, maximum: 8, text: 'Bits of a character.' },
  { key: 'parity', type: 'string', choices: ['none', 'even', 'odd'], default: 'none', text: 'The parity bit.' },
  { key: 'stop_bits', type: 'integer', default: 1, minimum: 1, maximum: 2, text: 'Stop bits.' },
] as const satisfies readonly SettingRow[]

/** What stty takes. */
const speeds = [
  ...[50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400],
  ...[460_800, 500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000, 3_500_000],
  4_000_000,
]

/** Says which speeds there are when this is none. */
export function speedFault(baud: number): string | undefined {
  return speeds.includes(baud) ? undefined : `${baud}: there are ${speeds.join(', ')}`
}

export type SerialSettings = SettingsOf<typeof serialRows>

export class SerialPort {
  readonly #stream: ReadStream
  /** Resolves with why the port is closed. */
  readonly closed: Promise<string>

  private constructor(stream: ReadStream, path: string, signal: AbortSignal) {
    this.#stream = stream
    const close = () => stream.destroy()
    signal.addEventListener('abort', close, { once: true })
    this.closed = new Promise((resolve) => {
      let reason = `${path} was unplugged`
      stream.on('error', (error: Error) => {
        reason = `${path}: ${error.message}`
      })
      // The other end of a terminal is gone: there will be no more.
      stream.on('end', close)
      stream.on('close', () => {
        signal.removeEventListener('abort', close)
        resolve(reason)
      })
    })
  }

  /** Rejects when there is no such port, or when it can't be set. */
  static async open(path: string, settings: SerialSettings, signal: AbortSignal): Promise<SerialPort> {
    await access(path).catch(() => Promise.reject(new Error(`there is no ${path}`)))
    await readChild('stty', ['-F', path, ...lineSettings(settings)], signal)
    signal.throwIfAborted()
    const descriptor = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
    return new SerialPort(new ReadStream(descriptor), path, signal)
  }

  onData(call: (chunk: Buffer) => void): void {
    this.#stream.on('data', call)
  }

  write(bytes: Buffer | string): void {
    this.#stream.write(bytes)
  }

  close(): void {
    this.#stream.destroy()
  }
}

function lineSettings({ baud, dataBits, parity, stopBits }: SerialSettings): readonly string[] {
  const parityWords = { none: ['-parenb'], even: ['parenb', '-parodd'], odd: ['parenb', 'parodd'] }
  return [
    `${baud}`,
    'raw',
    '-echo',
    'clocal',
    'cread',
    `cs${dataBits}`,
    stopBits === 2 ? 'cstopb' : '-cstopb',
    ...parityWords[parity],
  ]
}
