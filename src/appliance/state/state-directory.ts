/** Where the state of a gateway lies for those who handle it as files, and that nobody uses it meanwhile. */

import { existsSync, rmSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openDatabase, storeError } from '../../store/database.ts'
import type { Invocation } from '../command.ts'

const installedPlace = '/var/lib/fieldgate'

/** What keeps state from being saved, brought back or removed: one sentence, and what to do. */
export class StateError extends Error {}

/** `--data-dir`, else systemd's, else that of the installed service, else that of a checkout. */
export function findStateDirectory({ values, surroundings }: Invocation): string {
  const given = values['data-dir']?.at(-1) ?? surroundings.environment['STATE_DIRECTORY']?.split(':')[0]
  return resolve(given ?? (existsSync(installedPlace) ? installedPlace : 'data'))
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
