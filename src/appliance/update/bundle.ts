/**
 * What an update bundle looks like and when it may be used: a line that names the format, a line of JSON that says what is inside, a line
 * with an ed25519 signature of that line, and then the parts one after the other.
 */

import { createHash, type KeyObject, verify } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

export const bundleMark = 'FIELDGATE-UPDATE-1'

export interface UpdatePart {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

export interface UpdateManifest {
  readonly board: string
  readonly version: string
  readonly parts: readonly UpdatePart[]
}

/** What a bundle has to fit. */
export interface InstalledSystem {
  readonly board: string
  readonly version: string
}

/** Why a bundle is refused, in one sentence for the operator. */
export class UpdateRefusal extends Error {}

/** The three lines are shorter than this. */
const headBytes = 65_536
const chunkBytes = 1_048_576

export interface UpdateBundle {
  readonly manifest: UpdateManifest
  /** The bytes of one part, in order. */
  read(name: string): AsyncGenerator<Buffer>
  close(): Promise<void>
}

/**
 * Opens a bundle and checks all of it, to the last byte of each part. Rejects with UpdateRefusal when it may not be used; signature first,
 * so that nothing is believed that a stranger wrote.
 */
export async function openBundle(path: string, key: KeyObject, installed: InstalledSystem): Promise<UpdateBundle> {
  const file = await openFile(path)
  try {
    const { manifest, payloadAt } = await readHead(file, path, key)
    checkFit(manifest, installed)
    const { size } = await file.stat()
    const expected = manifest.parts.reduce((sum, { bytes }) => sum + bytes, payloadAt)
    if (size !== expected)
      throw new UpdateRefusal(`${path} is ${size < expected ? 'cut off' : 'too long'}: ${size} bytes of ${expected}`)
    const places = place(manifest.parts, payloadAt)
    const read = (name: string) => readPart(file, places.get(name) ?? { at: size, bytes: 0 })
    for (const { name, sha256 } of manifest.parts) {
      const hash = createHash('sha256')
      for await (const chunk of read(name)) hash.update(chunk)
      if (hash.digest('hex') !== sha256) throw new UpdateRefusal(`${path} is damaged: ${name} is not what was signed`)
    }
    return { manifest, read, close: () => file.close() }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (error) {
    throw new UpdateRefusal(`${path} can't be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

async function readHead(
  file: FileHandle,
  path: string,
  key: KeyObject,
): Promise<{ readonly manifest: UpdateManifest; readonly payloadAt: number }> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0)
  const [mark, line, signature] = buffer.toString('latin1', 0, bytesRead).split('\n', 3)
  if (mark !== bundleMark || line === undefined || signature === undefined)
    throw new UpdateRefusal(`${path} is no update bundle`)
  const bytes = Buffer.from(line, 'latin1')
  if (!verify(null, bytes, key, Buffer.from(signature, 'base64')))
    throw new UpdateRefusal(`${path} is not signed by a key that this gateway trusts`)
  return {
    manifest: JSON.parse(bytes.toString()) as UpdateManifest,
    payloadAt: mark.length + line.length + signature.length + 3,
  }
}

function checkFit({ board, version }: UpdateManifest, installed: InstalledSystem): void {
  if (board !== installed.board)
    throw new UpdateRefusal(`the bundle is for the board ${board}, and this is ${installed.board}`)
  if (isOlder(version, installed.version))
    throw new UpdateRefusal(`the bundle holds version ${version}, which is older than ${installed.version}`)
}

/** By the numbers of the versions; what follows a hyphen or a plus does not count. */
export function isOlder(version: string, than: string): boolean {
  const numbers = (text: string) => text.split(/[-+]/, 1)[0]?.split('.').map(Number) ?? []
  const [a, b] = [numbers(version), numbers(than)]
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

interface Place {
  readonly at: number
  readonly bytes: number
}

function place(parts: readonly UpdatePart[], payloadAt: number): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>()
  let at = payloadAt
  for (const { name, bytes } of parts) {
    places.set(name, { at, bytes })
    at += bytes
  }
  return places
}

async function* readPart(file: FileHandle, { at, bytes }: Place): AsyncGenerator<Buffer> {
  for (let done = 0; done < bytes; ) {
    const length = Math.min(chunkBytes, bytes - done)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at + done)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    done += bytesRead
  }
}
