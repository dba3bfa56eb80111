/** What a backup is: a compressed tar file of the state and the configuration, with a note of what it is in front. */

import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { emptyDirectory, ownerOf } from './state-directory.ts'
import { StateError } from './state-error.ts'

const noteName = 'fieldgate-backup.json'
const formatNumber = 1

/** Can be made anew, and do not belong to the state. */
const left = ['*.node', '*.ballast', 'store.damaged-*']
/** Keys and accounts: whoever reads a backup would be somebody else. */
const secret = './security'

export interface BackupNote {
  readonly format: number
  readonly version: string
}

export interface BackupPlaces {
  readonly stateDirectory: string
  /** Undefined where the gateway runs on its defaults. */
  readonly configurationFile: string | undefined
  /** Accounts and keys as well. */
  readonly hasSecrets?: boolean
}

/** Writes a backup beside its place and puts it there when it is on the disk: a file of that name is a whole one. */
export function writeBackup(
  path: string,
  { stateDirectory, configurationFile, hasSecrets = false }: BackupPlaces,
  version: string,
): void {
  const note = mkdtempSync(join(tmpdir(), 'fieldgate-backup-'))
  const draft = `${resolve(path)}.new`
  try {
    writeFileSync(join(note, noteName), JSON.stringify({ format: formatNumber, version } satisfies BackupNote))
    if (configurationFile !== undefined) copyFileSync(configurationFile, join(note, 'fieldgate.toml'))
    const excludes = [...left, ...(hasSecrets ? [] : [secret])].map((pattern) => `--exclude=${pattern}`)
    const state = ['-C', stateDirectory, '--transform=s,^\\.,state,', '.']
    runTar(['-czf', draft, ...excludes, '-C', note, ...readdirSync(note), ...state])
    execFileSync('sync', [draft])
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
    rmSync(note, { recursive: true })
  }
}

/**
 * Unpacks a backup beside the state, and changes the two when all of it is there. Throws StateError for anything that is not a whole
 * backup of this version or an older one; nothing is changed then.
 */
export function restoreBackup(
  path: string,
  { stateDirectory, configurationFile }: BackupPlaces,
  version: string,
): Promise<void> {
  if (!existsSync(path)) throw new StateError(`${path}: there is no such file`)
  mkdirSync(stateDirectory, { recursive: true })
  const name = `.restoring-${process.pid}`
  const draft = join(stateDirectory, name)
  return unpack(path, draft, version)
    .then(async () => {
      execFileSync('chown', ['-R', ownerOf(stateDirectory), draft])
      execFileSync('sync', ['--file-system', draft])
      await emptyDirectory(stateDirectory, [name])
      const state = join(draft, 'state')
      for (const entry of readdirSync(state)) renameSync(join(state, entry), join(stateDirectory, entry))
      const configuration = join(draft, 'fieldgate.toml')
      if (configurationFile !== undefined && existsSync(configuration))
        replaceConfiguration(configuration, configurationFile)
      execFileSync('sync', ['--file-system', stateDirectory])
    })
    .finally(() => rmSync(draft, { recursive: true, force: true }))
}

async function unpack(path: string, draft: string, version: string): Promise<void> {
  mkdirSync(draft, { mode: 0o700 })
  try {
    runTar(['-xzf', path, '-C', draft, '--no-same-owner'])
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'ENOENT') throw error
    const text = String((error as { readonly stderr?: Buffer }).stderr)
    const reason = /No space left/.test(text) ? 'there is not enough room for it' : 'it is damaged or no backup'
    throw new StateError(`${path} can't be unpacked: ${reason}`)
  }
  const note = join(draft, noteName)
  if (!existsSync(note) || !existsSync(join(draft, 'state'))) throw new StateError(`${path} is no backup of a gateway`)
  const { format, version: from } = JSON.parse(readFileSync(note, 'utf8')) as BackupNote
  if (format > formatNumber)
    throw new StateError(`${path} was made by version ${from}, which this one (${version}) does not understand`)
}

function replaceConfiguration(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, `${to}.new`)
  execFileSync('chown', [ownerOf(statSync(to, { throwIfNoEntry: false }) ? to : dirname(to)), `${to}.new`])
  renameSync(`${to}.new`, to)
}

function runTar(words: readonly string[]): void {
  execFileSync('tar', words, { stdio: ['ignore', 'ignore', 'pipe'] })
}
