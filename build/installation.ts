/** Which files an installed gateway consists of and where each lies: what the Debian package and the image both put in place. */

import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Architecture } from './binary.ts'
import { root } from './bundle.ts'

interface InstalledFile {
  readonly from: string
  readonly to: string
  readonly mode: number
}

function files(architecture: Architecture): readonly InstalledFile[] {
  const addon = `${root}dist/classic-level-linux-${architecture}.node`
  const digest = createHash('sha256').update(readFileSync(addon)).digest('hex').slice(0, 16)
  const document = (from: string, name: string) => ({ from, to: `usr/share/doc/fieldgate/${name}`, mode: 0o644 })
  return [
    { from: `${root}dist/fieldgate-linux-${architecture}`, to: 'usr/lib/fieldgate/fieldgate', mode: 0o755 },
    // Beside the binary, so that it writes none.
    { from: addon, to: `usr/lib/fieldgate/classic-level-${digest}.node`, mode: 0o644 },
    { from: `${root}systemd/fieldgate.service`, to: 'usr/lib/systemd/system/fieldgate.service', mode: 0o644 },
    { from: `${root}systemd/fieldgate.sysusers`, to: 'usr/lib/sysusers.d/fieldgate.conf', mode: 0o644 },
    { from: `${root}systemd/60-fieldgate.rules`, to: 'usr/lib/udev/rules.d/60-fieldgate.rules', mode: 0o644 },
    { from: `${root}build/debian/fieldgate.toml`, to: 'etc/fieldgate/fieldgate.toml', mode: 0o644 },
    document(`${root}README.md`, 'README.md'),
    document(`${root}dist/licenses.txt`, 'copyright'),
    document(`${root}dist/fieldgate.cdx.json`, 'fieldgate.cdx.json'),
  ]
}

/** Lays the files of `npm run build` below a directory that becomes, or is, a root file system. */
export function installInto(directory: string, architecture: Architecture): void {
  for (const { from, to, mode } of files(architecture)) {
    const path = join(directory, to)
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    copyFileSync(from, path)
    chmodSync(path, mode)
  }
  mkdirSync(join(directory, 'usr/bin'), { recursive: true, mode: 0o755 })
  symlinkSync('../lib/fieldgate/fieldgate', join(directory, 'usr/bin/fieldgate'))
}
