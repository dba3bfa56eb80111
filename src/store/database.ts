/** How LevelDB is opened and repaired, and what its errors mean. */

import type { ClassicLevel } from 'classic-level'
import { Level } from 'level'
import { StoreError, type StoreValue } from './store.ts'

export type Database = ClassicLevel<string, StoreValue>

/** `level` is classic-level wherever there is a file system; its types only speak of what browsers have as well. */
const NodeLevel = Level as unknown as typeof ClassicLevel

/** Texts and bytes in one batch: LevelDB takes both as they are. */
const mixedEncoding = {
  name: 'mixed',
  format: 'view' as const,
  encode: (value: StoreValue): Uint8Array => (typeof value === 'string' ? Buffer.from(value) : value),
  decode: (value: Uint8Array): StoreValue => value,
}

export async function openDatabase(directory: string, cacheBytes: number, writeBufferBytes: number): Promise<Database> {
  const database: Database = new NodeLevel(directory, {
    keyEncoding: 'utf8',
    valueEncoding: mixedEncoding,
    cacheSize: cacheBytes,
    writeBufferSize: writeBufferBytes,
  })
  await database.open()
  return database
}

/** Salvages what can be read of a damaged database, in place. Rejects when nothing can. */
export function repairDatabase(directory: string): Promise<void> {
  return NodeLevel.repair(directory)
}

/** What LevelDB's errors mean: classic-level gives codes, the text of the operating system is at the end of the message. */
export function storeError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const text = messages(error)
  if (/LEVEL_LOCKED/.test(text))
    return new StoreError('locked', `the store is in use by another process: ${text}`, error)
  if (/: (?:no space left on device|disk quota exceeded)|ENOSPC|EDQUOT/i.test(text))
    return new StoreError('full', 'the disk is full: make room on the disk of the data directory', error)
  // A table that is shorter than it says is an invalid argument to LevelDB; synchronous reads come without a code.
  if (/LEVEL_CORRUPTION|\bCorruption: |: no such file or directory|\.(?:ldb|sst): invalid argument/i.test(text))
    return new StoreError('damaged', `the store is damaged: ${text}`, error)
  return new StoreError('io', `the store failed: ${text}`, error)
}

/** True for errors that say nothing about what is in the files. */
export function isDenied(error: StoreError): boolean {
  return /: (?:permission denied|operation not permitted|read-only file system|not a directory|too many open files)|EACCES|EPERM|EROFS|ENOTDIR|EEXIST|EMFILE/i.test(
    error.message,
  )
}

function messages(error: unknown): string {
  const parts: string[] = []
  for (let at: unknown = error; at instanceof Error && parts.length < 8; at = at.cause)
    parts.push(`${(at as { code?: string }).code ?? ''} ${at.message}`.trim())
  return parts.length === 0 ? String(error) : parts.join(': ')
}
