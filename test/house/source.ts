/** The project's files as the tests of the house see them. */

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface SourceFile {
  /** From the root: `src/cse/cse.ts`. */
  readonly path: string
  readonly text: string
}

/** TypeScript files below some folders of the project. */
export function readSources(...folders: readonly string[]): readonly SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .toSorted()
      .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(`${root}${folder}/${name}`, 'utf8') })),
  )
}

/** Every text file that git keeps or would keep. */
export function readProject(): readonly SourceFile[] {
  const names = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  return names
    .split('\n')
    .filter((name) => name !== '' && existsSync(`${root}${name}`))
    .map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }))
}
