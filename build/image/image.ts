/**
 * Makes an image to flash, and an update bundle of the same system: `npm run image -- --profile raspberry-pi-4b`. Needs root (for the
 * emulation of the other processor), mmdebstrap, squashfs-tools, genimage, mtools, dosfstools, e2fsprogs and u-boot-tools; no loop
 * devices and no mounts. What `npm run build` has made goes into it.
 */

import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { boardProfiles } from '../../src/appliance/board/profile-list.ts'
import { root } from '../bundle.ts'
import { run } from '../program.ts'
import { explain, refuse } from '../script.ts'
import { layBootPartition } from './boot-partition.ts'
import { writeBundle } from './bundle-file.ts'
import { diskSignature, makeRoot } from './root-tree.ts'

explain(`npm run image -- --profile PROFILE [--key FILE] [--version VERSION] [--bundle-only]

Makes an image to flash, and an update bundle of the same system, in dist/. Needs root, what npm run build has made, and
mmdebstrap squashfs-tools genimage mtools dosfstools e2fsprogs u-boot-tools qemu-user-static arch-test.

  --profile PROFILE  the board: ${boardProfiles.flatMap(({ id, image: layout }) => (layout ? [id] : [])).join(', ')}
  --key FILE         what updates are signed with (dist/update-key.pem, made when there is none)
  --version VERSION  another version than that of package.json
  --bundle-only      no image, only the update bundle`)

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
if (!profile) refuse(`no such profile: ${options.profile}; npm run image -- --help lists them`)
const { image } = profile
if (!image || profile.architecture !== 'arm64') refuse(`there is no image for ${profile.name}: see README.md`)
const program = `${root}dist/fieldgate-linux-arm64`
if (!existsSync(program)) refuse(`${program} is not there: npm run build makes it`)
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
    layBootPartition(tree, boot, profile)
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
