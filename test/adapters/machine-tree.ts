/** A directory that looks like the kernel's, for one test; devices in it can be unplugged and plugged in again. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

export type Files = Readonly<Record<string, string>>

export class MachineTree {
  readonly root = mkdtempSync(join(tmpdir(), 'machine-'))

  constructor(context: Pick<TestContext, 'after'>, files: Files) {
    context.after(() => rmSync(this.root, { recursive: true, force: true }))
    this.plug(files)
  }

  /** Writes files by their path below the root. */
  plug(files: Files): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true })
      writeFileSync(join(this.root, path), text)
    }
  }

  unplug(path: string): void {
    rmSync(join(this.root, path), { recursive: true })
  }
}

/** Waits for what real files, sockets and processes bring about, for ten seconds at most. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 5000; tries++) {
    if (await condition()) return
    await pause(2)
  }
  throw new Error('what was waited for did not come about')
}
