/** The gpiod tools as shell scripts, of either version: levels lie in files, edges come through a FIFO, arguments are noted. */

import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const scripts = {
  gpiodetect: `case "$1" in
--version) echo "gpiodetect (libgpiod) v$VERSION" ;;
*) echo "gpiochip0 [pinctrl-bcm2711] (58 lines)" ;;
esac`,
  gpioget: 'for last; do :; done; cat "$HERE/level-$last"',
  gpiomon: 'exec cat "$HERE/edges"',
  gpioset: `case "$VERSION" in
1*) for last; do :; done; case "$last" in 99=*) echo "gpioset: error setting the GPIO line values: Device or resource busy" >&2; exit 1 ;; esac; exec sleep 60 ;;
*) for last; do :; done; state=\${last#*=}
while read -r word rest; do case "$word" in
set) state=\${rest#*=} ;;
get) if [ "$state" = 1 ]; then echo "gpioset> $rest=active"; else echo "gpioset> $rest=inactive"; fi ;;
esac; done ;;
esac`,
}

export class FakeTools {
  readonly directory = mkdtempSync(join(tmpdir(), 'gpio-'))
  #edges: number | undefined

  constructor(context: Pick<TestContext, 'after'>, version: string) {
    for (const [name, script] of Object.entries(scripts)) {
      const path = join(this.directory, name)
      const head = `#!/bin/sh\nVERSION=${version} HERE=${this.directory}\necho "${name} $*" >> "$HERE/calls"\n`
      writeFileSync(path, `${head}${script}\n`)
      chmodSync(path, 0o755)
    }
    execFileSync('mkfifo', [join(this.directory, 'edges')])
    context.after(() => {
      this.unplug()
      rmSync(this.directory, { recursive: true, force: true })
    })
  }

  /** What the tools were called with. */
  get calls(): readonly string[] {
    return readFileSync(join(this.directory, 'calls'), 'utf8').trim().split('\n')
  }

  level(line: number, level: 0 | 1): void {
    writeFileSync(join(this.directory, `level-${line}`), `${level}\n`)
  }

  /** Opens the FIFO when a gpiomon reads it, and keeps it open. */
  edge(text: string): void {
    this.#edges ??= openSync(join(this.directory, 'edges'), 'w')
    writeSync(this.#edges, text)
  }

  /** gpiomon ends. */
  unplug(): void {
    if (this.#edges !== undefined) closeSync(this.#edges)
    this.#edges = undefined
  }
}
