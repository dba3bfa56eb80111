/** Reads the files in which the kernel tells about the machine, and the file system that a directory lies on. */

import { readdir, readFile, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

export class MachineFiles {
  readonly #root: string

  /** `root`: where `proc` and `sys` are. */
  constructor(root: string) {
    this.#root = root
  }

  /** What the file says; undefined when this machine has no such file. Rejects with an Error that names the file when it says nothing usable. */
  async read<Meaning>(path: string, parse: (text: string) => Meaning | undefined): Promise<Meaning | undefined> {
    const text = await this.text(path)
    if (text === undefined) return undefined
    const meaning = parse(text)
    if (meaning === undefined) throw new Error(`/${path} says ${JSON.stringify(text.slice(0, 40))}`)
    return meaning
  }

  async text(path: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#root, path), 'utf8')
    } catch (error) {
      return ifThere(error)
    }
  }

  /** Names in a directory; none when there is no such directory. */
  async list(path: string): Promise<readonly string[]> {
    try {
      return await readdir(join(this.#root, path))
    } catch (error) {
      return ifThere(error) ?? []
    }
  }
}

function ifThere(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    return undefined
  throw error
}

export interface FileSystem {
  readonly freeBytes: number
  /** From 0 to 1, of what is not reserved, as `df` counts. */
  readonly usedShare: number
  readonly major: number
  readonly minor: number
}

/** The file system of a directory, and the device it lies on as Linux numbers it (makedev(3)). */
export async function inspectFileSystem(directory: string): Promise<FileSystem> {
  const [{ bsize, blocks, bfree, bavail }, { dev }] = await Promise.all([statfs(directory), stat(directory)])
  const used = blocks - bfree
  return {
    freeBytes: bavail * bsize,
    usedShare: used + bavail > 0 ? used / (used + bavail) : 0,
    major: (dev >>> 8) & 0xfff,
    minor: (dev & 0xff) | ((dev >>> 12) & 0xfff00),
  }
}
