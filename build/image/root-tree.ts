/** What is added to Debian's packages to make the root file system of a gateway: the program, its units, and what a read-only root needs. */

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  writeConfiguration,
  writeJournalDropIn,
  writeServiceDropIn,
  writeSystemDropIn,
} from '../../src/appliance/board/board-file.ts'
import type { BoardProfile } from '../../src/appliance/board/board-profile.ts'
import { root } from '../bundle.ts'
import { installInto } from '../installation.ts'
import { run } from '../program.ts'
import { makeRootFileSystem } from './root-file-system.ts'

export const sourceDirectory = `${root}build/image`

/** Names the partitions (`root=PARTUUID=...`). The same on every card: two in one machine would be mistaken for each other. */
export const diskSignature = '4647a001'

export interface RootOptions {
  /** The directory that becomes the root; made here. */
  readonly tree: string
  readonly profile: BoardProfile
  readonly version: string
  /** The private key of updates, of which the public part is trusted. */
  readonly key: string
  readonly isBroken: boolean
}

export function fillIn(text: string, profile: BoardProfile | undefined): string {
  return text
    .replaceAll('@DISK@', diskSignature)
    .replaceAll('@CONSOLE@', profile?.boot.console ?? '')
    .replaceAll('@COMMIT@', String(profile?.storage.commitSeconds))
}

const enabled = [
  'fieldgate.service',
  'fieldgate-board.service',
  'fieldgate-grow-data.service',
  'fieldgate-confirm.service',
  'fieldgate-fallback.timer',
  'systemd-networkd.service',
  'systemd-resolved.service',
  'systemd-timesyncd.service',
  'ssh.service',
]

export function makeRoot({ tree, profile, version, key, isBroken }: RootOptions): void {
  mkdirSync(tree)
  run('tar', ['-C', tree, '-xf', makeRootFileSystem('arm64')])
  installInto(tree, 'arm64')
  const unit = (name: string) => `usr/lib/systemd/system/${name}`
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    writeFileSync(join(tree, path), fillIn(text, profile))
    chmodSync(join(tree, path), mode)
  }
  const lay = (name: string, path: string, mode?: number): void =>
    write(path, readFileSync(`${root}systemd/image/${name}`, 'utf8'), mode)
  for (const name of ['board.service', 'grow-data.service', 'confirm.service', 'fallback.service', 'fallback.timer'])
    lay(`fieldgate-${name}`, unit(`fieldgate-${name}`))
  lay('grow-data', 'usr/lib/fieldgate/grow-data', 0o755)
  lay('fstab', 'etc/fstab')
  lay('sshd.conf', 'etc/ssh/sshd_config.d/10-fieldgate.conf')
  lay('ssh-drop-in.conf', unit('ssh.service.d/fieldgate.conf'))
  lay('wired.network', 'usr/lib/systemd/network/80-wired.network')
  lay('wireless.network', 'usr/lib/systemd/network/80-wireless.network')
  write(unit('fieldgate.service.d/board.conf'), `${writeServiceDropIn(profile)}${isBroken ? brokenStart : ''}`)
  write('usr/lib/systemd/system.conf.d/board.conf', writeSystemDropIn(profile))
  write('usr/lib/systemd/journald.conf.d/board.conf', writeJournalDropIn(profile))
  write('usr/lib/fieldgate/fieldgate.toml', writeConfiguration(profile))
  write('usr/lib/fieldgate/system.json', `${JSON.stringify({ board: profile.id, version })}\n`)
  const publicKey = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' })
  write('usr/lib/fieldgate/update-key.pem', String(publicKey))
  write('etc/hostname', 'fieldgate\n')
  write('etc/hosts', '127.0.0.1 localhost fieldgate\n::1 localhost\n')
  symlinkSync('/run/fieldgate-board/wpa_supplicant.conf', join(tree, 'etc/wpa_supplicant/wpa_supplicant-wlan0.conf'))
  for (const name of ['data', 'var/lib/fieldgate']) mkdirSync(join(tree, name), { recursive: true })
  rmSync(join(tree, 'var/cache/apt'), { recursive: true, force: true })
  rmSync(join(tree, 'usr/lib/u-boot/rpi_3'), { recursive: true, force: true })
  run('systemd-sysusers', [`--root=${tree}`])
  run('systemctl', [`--root=${tree}`, 'enable', ...enabled])
  run('systemctl', [`--root=${tree}`, 'mask', 'wpa_supplicant.service', 'systemd-firstboot.service'])
}

/** For the test of an update that never becomes ready. */
const brokenStart = 'ExecStart=\nExecStart=/bin/false\n'
