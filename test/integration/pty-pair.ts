/** A serial cable between two pseudo-terminals, made by socat: it can be pulled out and plugged in again. */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { until } from '../adapters/machine-tree.ts'

export class PtyPair {
  readonly #directory = mkdtempSync(join(tmpdir(), 'pty-'))
  /** What the gateway opens. */
  readonly port = join(this.#directory, 'port')
  /** What the device holds. */
  readonly device = join(this.#directory, 'device')
  #socat: ChildProcess | undefined
  #handle: FileHandle | undefined

  constructor(context: Pick<TestContext, 'after'>) {
    context.after(async () => {
      await this.unplug()
      rmSync(this.#directory, { recursive: true, force: true })
    })
  }

  async plug(): Promise<void> {
    const end = (path: string) => `pty,rawer,link=${path}`
    this.#socat = spawn('socat', [end(this.port), end(this.device)], { stdio: 'ignore' })
    await until(() => existsSync(this.port) && existsSync(this.device))
  }

  async unplug(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
    const socat = this.#socat
    this.#socat = undefined
    if (socat === undefined) return
    const ended = new Promise((resolve) => socat.once('close', resolve))
    socat.kill('SIGTERM')
    await ended
  }

  /** The device writes. */
  async write(text: string): Promise<void> {
    this.#handle ??= await open(this.device, 'r+')
    await this.#handle.write(text)
  }

  /** What the gateway wrote, as soon as there is something. */
  async read(): Promise<string> {
    this.#handle ??= await open(this.device, 'r+')
    const { bytesRead, buffer } = await this.#handle.read(Buffer.alloc(1024), 0, 1024)
    return buffer.subarray(0, bytesRead).toString()
  }
}
