/** `fieldgate licenses`: what the program contains and under which licences, from inside the binary or from beside the bundle. */

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ExitCode, type Invocation } from '../command.ts'

export async function run({ surroundings }: Invocation): Promise<number> {
  const text = await readLicenses()
  if (text === undefined) {
    surroundings.complain('fieldgate: a checkout has no list of licences: `npm run build` writes dist/licenses.txt.')
    return ExitCode.UNAVAILABLE
  }
  surroundings.print(text.trimEnd())
  return ExitCode.OK
}

async function readLicenses(): Promise<string | undefined> {
  const [{ getRawAsset, isSea }, { brotliDecompressSync }] = await Promise.all([
    import('node:sea'),
    import('node:zlib'),
  ])
  if (isSea()) return brotliDecompressSync(getRawAsset('licenses.txt.br')).toString()
  const beside = join(dirname(process.argv[1] ?? ''), 'licenses.txt')
  return existsSync(beside) ? readFileSync(beside, 'utf8') : undefined
}
