/**
 * Makes an image to flash, and an update bundle of the same system: `npm run image -- --profile raspberry-pi-4b`. Needs root (for the
 * emulation of the other processor), mmdebstrap, squashfs-tools, genimage, mtools, dosfstools, e2fsprogs and u-boot-tools; no loop
 * devices and no mounts. What `npm run build` has made goes into it.
 */

import { generateKeyPairSync } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeBootConfiguration } from '../../src/appliance/board/board-file.ts'
import { boardProfiles } from '../../src/appliance/board/profile-list.ts'
import { root } from '../bundle.ts'
import { run } from '../program.ts'
import { writeBundle } from './bundle-file.ts'
import { diskSignature, fillIn, makeRoot, sourceDirectory } from './root-tree.ts'

const { values: options } = parseArgs({
  options: {
    profile: { type: 'string', default: 'raspberry-pi-4b' },
    key: { type: 'string', default: `${root}dist/update-key.pem` },
    version: { type: 'string' },
    'bundle-only': { type: 'boolean', default: false },
    /** A gateway that never becomes ready, for the test of what happens then. */
    broken: { type: 'boolean', default: false },
  },
})
const profile = boardProfiles.find(({ id }) => id === options.profile)
if (!profile) throw new Error(`no such profile: ${options.profile}`)
const { image } = profile
if (!image || profile.architecture !== 'arm64') throw new Error(`there is no image for ${profile.name}: see README.md`)
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { readonly version: string }
const version = options.version ?? manifest.version

/** The key that updates are signed with. One that is made here is for trials: whoever ships images keeps their own. */
function readKey(): string {
  if (!existsSync(options.key)) {
    const { privateKey } = generateKeyPairSync('ed25519')
    writeFileSync(options.key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    console.log(`${options.key}: a new key to sign updates with`)
  }
  return readFileSync(options.key, 'utf8')
}

/** The boot partition: the firmware's files, U-Boot with its script, the kernel of slot a, and the files for people. */
function layBootPartition(tree: string, boot: string): void {
  const firmware = join(tree, 'usr/lib/raspi-firmware')
  cpSync(firmware, boot, { recursive: true })
  const kernels = readdirSync(join(tree, 'usr/lib')).find((name) => name.startsWith('linux-image-')) ?? ''
  const trees = join(tree, 'usr/lib', kernels, 'broadcom')
  for (const name of readdirSync(trees)) copyFileSync(join(trees, name), join(boot, name))
  copyFileSync(join(tree, 'usr/lib/u-boot/rpi_arm64/u-boot.bin'), join(boot, 'u-boot.bin'))
  if (profile) writeFileSync(join(boot, 'config.txt'), writeBootConfiguration(profile))
  copyFileSync(join(sourceDirectory, 'board.toml'), join(boot, 'board.toml'))
  writeFileSync(join(boot, 'slot.env'), 'active=a\ntry=none\n')
  const script = join(boot, 'boot.cmd')
  writeFileSync(script, fillIn(readFileSync(join(sourceDirectory, 'boot.cmd'), 'utf8'), profile))
  run('mkimage', ['-A', 'arm64', '-T', 'script', '-C', 'none', '-d', script, join(boot, 'boot.scr')])
  rmSync(script)
  mkdirSync(join(boot, 'b'))
  mkdirSync(join(boot, 'a'))
  for (const name of ['vmlinuz', 'initrd.img']) copyFileSync(findBootFile(tree, name), join(boot, 'a', name))
}

function findBootFile(tree: string, name: string): string {
  const found = readdirSync(join(tree, 'boot')).find((candidate) => candidate.startsWith(`${name}-`))
  if (!found) throw new Error(`no ${name} in /boot`)
  return join(tree, 'boot', found)
}

function writeDescription(): string {
  return `image boot.vfat {
  vfat {
    label = "FIELDGATE"
    extraargs = "-F 32"
  }
  mountpoint = "/boot-partition"
  size = ${image?.bootMiB}M
}
image data.ext4 {
  ext4 {
    label = "data"
    use-mke2fs = true
  }
  mountpoint = "/data-partition"
  size = ${image?.dataMiB}M
}
image disk.img {
  hdimage {
    partition-table-type = "mbr"
    disk-signature = 0x${diskSignature}
    align = 4M
  }
  partition boot {
    partition-type = 0xC
    bootable = "true"
    image = "boot.vfat"
  }
  partition a {
    partition-type = 0x83
    image = "root.squashfs"
    size = ${image?.rootMiB}M
  }
  partition b {
    partition-type = 0x83
    size = ${image?.rootMiB}M
  }
  partition data {
    partition-type = 0x83
    image = "data.ext4"
  }
}
`
}

function makeImage(): void {
  if (!profile) return
  const work = mkdtempSync(join(tmpdir(), 'fieldgate-image-'))
  chmodSync(work, 0o755)
  const key = readKey()
  try {
    const tree = join(work, 'tree')
    makeRoot({ tree, profile, version, key, isBroken: options.broken })
    const parts = join(work, 'parts')
    const boot = join(parts, 'boot-partition')
    mkdirSync(boot, { recursive: true })
    for (const name of ['fieldgate', 'etc']) mkdirSync(join(parts, 'data-partition', name), { recursive: true })
    layBootPartition(tree, boot)
    const input = join(work, 'input')
    mkdirSync(input)
    const squashfs = join(input, 'root.squashfs')
    rmSync(join(tree, 'boot'), { recursive: true })
    mkdirSync(join(tree, 'boot/firmware'), { recursive: true })
    run('mksquashfs', [
      tree,
      squashfs,
      '-comp',
      'zstd',
      '-Xcompression-level',
      '6',
      '-noappend',
      '-quiet',
      '-no-progress',
    ])
    const name = `${root}dist/fieldgate-${version}-${profile.id}`
    writeBundle({
      path: `${name}.update`,
      manifest: { board: profile.id, version },
      parts: [
        { name: 'root', path: squashfs },
        { name: 'vmlinuz', path: join(boot, 'a/vmlinuz') },
        { name: 'initrd.img', path: join(boot, 'a/initrd.img') },
      ],
      key,
    })
    if (options['bundle-only']) return
    writeFileSync(join(work, 'genimage.cfg'), writeDescription())
    const paths = ['--rootpath', parts, '--inputpath', input, '--outputpath', join(work, 'output')]
    run('genimage', ['--config', join(work, 'genimage.cfg'), '--tmppath', join(work, 'scratch'), ...paths])
    run('cp', ['--sparse=always', join(work, 'output/disk.img'), `${name}.img`])
    console.log(`${name}.img`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

makeImage()
