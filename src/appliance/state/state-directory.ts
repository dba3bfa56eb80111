/** Where the state of a gateway lies for those who handle it as files, and that nobody uses it meanwhile. */

import { accessSync, constants, existsSync, rmSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openDatabase, storeError } from '../../store/database.ts'
import type { Invocation } from '../command.ts'
import { StateError } from './state-error.ts'

const installedPlace = '/var/lib/fieldgate'

/**
 * `--data-dir`, else systemd's, else that of the installed service, else that of a checkout; it need not be there yet. Throws StateError for
 * one that is no directory, or that this user may not look into.
 */
export function findStateDirectory({ values, surroundings }: Invocation): string {
  const given = values['data-dir']?.at(-1) ?? surroundings.environment['STATE_DIRECTORY']?.split(':')[0]
  const directory = resolve(given ?? (existsSync(installedPlace) ? installedPlace : 'data'))
  for (const path of [directory, join(directory, 'security')]) expectDirectory(path)
  return directory
}

function expectDirectory(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.X_OK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    if (!isFile(path))
      throw new StateError(`this user may not look into ${path}: run it as root (sudo), or as the user of the service`)
  }
  if (isFile(path)) throw new StateError(`${path} is a file, and a directory is expected: name another with --data-dir`)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

/**
 * Makes sure that no gateway uses the state. Rejects with StateError when one does, when the store can't be opened, or when there is none
 * and `isNeeded`.
 */
export async function claimState(directory: string, isNeeded: boolean): Promise<void> {
  const store = join(directory, 'store')
  if (!existsSync(store)) {
    if (isNeeded) throw new StateError(`there is no state in ${directory}: name another directory with --data-dir`)
    return
  }
  try {
    const database = await openDatabase(store, 1_048_576, 1_048_576)
    await database.close()
  } catch (error) {
    const { reason, message } = storeError(error)
    if (reason === 'locked')
      throw new StateError(`a gateway uses the state in ${directory}: stop it first (systemctl stop fieldgate)`)
    // A damaged store is brought back or removed like any other.
    if (isNeeded) throw new StateError(`the state in ${directory} can't be read: ${message}`)
  }
}

/** Everything in a directory, which itself stays: it may be where a disk is mounted. */
export async function emptyDirectory(directory: string, except: readonly string[] = []): Promise<void> {
  for (const name of await readdir(directory))
    if (!except.includes(name)) rmSync(join(directory, name), { recursive: true, force: true })
}

/** `uid:gid` of a directory, for what root puts into it. */
export function ownerOf(directory: string): string {
  const { uid, gid } = statSync(directory)
  return `${uid}:${gid}`
}
