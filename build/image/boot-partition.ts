/** What lies on the boot partition: what the Raspberry Pi's firmware reads, what U-Boot reads, and the files for people. */

import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeBootConfiguration } from '../../src/appliance/board/board-file.ts'
import type { BoardProfile } from '../../src/appliance/board/board-profile.ts'
import { run } from '../program.ts'
import { fillIn, sourceDirectory } from './root-tree.ts'

/** By the boards' generations; with `gpu_mem=16` the firmware takes those with cd in their names. */
const firmwareFiles = ['bootcode.bin', 'start_cd.elf', 'fixup_cd.dat', 'start4cd.elf', 'fixup4cd.dat'] as const
const ownFiles = [
  'config.txt',
  'u-boot.bin',
  'boot.scr',
  'slot.env',
  'board.toml',
  'a/vmlinuz',
  'a/initrd.img',
] as const

/** Fills the directory that becomes the boot partition from a root file system. */
export function layBootPartition(tree: string, boot: string, profile: BoardProfile): void {
  cpSync(join(tree, 'usr/lib/raspi-firmware'), boot, { recursive: true })
  const kernel = readdirSync(join(tree, 'usr/lib')).find((name) => name.startsWith('linux-image-')) ?? ''
  const deviceTrees = join(tree, 'usr/lib', kernel, 'broadcom')
  for (const name of readdirSync(deviceTrees)) copyFileSync(join(deviceTrees, name), join(boot, name))
  copyFileSync(join(tree, 'usr/lib/u-boot/rpi_arm64/u-boot.bin'), join(boot, 'u-boot.bin'))
  writeFileSync(join(boot, 'config.txt'), writeBootConfiguration(profile))
  copyFileSync(join(sourceDirectory, 'board.toml'), join(boot, 'board.toml'))
  writeFileSync(join(boot, 'slot.env'), 'active=a\ntry=none\n')
  const script = join(boot, 'boot.cmd')
  writeFileSync(script, fillIn(readFileSync(join(sourceDirectory, 'boot.cmd'), 'utf8'), profile))
  run('mkimage', ['-A', 'arm64', '-T', 'script', '-C', 'none', '-d', script, join(boot, 'boot.scr')])
  rmSync(script)
  for (const slot of ['a', 'b']) mkdirSync(join(boot, slot))
  for (const name of ['vmlinuz', 'initrd.img']) copyFileSync(findBootFile(tree, name), join(boot, 'a', name))
  checkBootPartition(boot, profile)
}

function findBootFile(tree: string, name: string): string {
  const found = readdirSync(join(tree, 'boot')).find((candidate) => candidate.startsWith(`${name}-`))
  if (!found) throw new Error(`no ${name} in /boot`)
  return join(tree, 'boot', found)
}

/** Everything that the firmware, config.txt and U-Boot's script name is there. */
function checkBootPartition(boot: string, profile: BoardProfile): void {
  const lines = writeBootConfiguration(profile).split('\n')
  const named = lines.flatMap((line) => {
    const [, key, value] = /^(kernel|device_tree|dtoverlay)=([^,]+)/.exec(line) ?? []
    if (value === undefined) return []
    return key === 'dtoverlay' ? [`overlays/${value}.dtbo`] : [value]
  })
  const missing = [...firmwareFiles, ...ownFiles, ...named].filter((name) => !existsSync(join(boot, name)))
  if (missing.length > 0) throw new Error(`the boot partition lacks ${missing.join(', ')}`)
}
