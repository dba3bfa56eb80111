/**
 * Which Debian packages the image is made of, and how they become an archive of a root file system for another architecture. Takes a
 * quarter of an hour under emulation, so that the archive is kept in the cache directory under the hash of all that goes into it.
 */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from '../program.ts'

const suite = 'trixie'
const components = 'main,non-free-firmware'

/** What each package is for is said where its name does not. */
const packages: readonly string[] = [
  'systemd',
  'systemd-sysv',
  'systemd-resolved',
  'systemd-timesyncd',
  'udev',
  'dbus',
  'kmod',
  'initramfs-tools',
  'zstd',
  'linux-image-arm64',
  // The files that the Raspberry Pi's own firmware reads, and U-Boot, which that firmware starts.
  'raspi-firmware',
  'u-boot-rpi',
  // Wi-Fi of the boards, and the rules of the air.
  'firmware-brcm80211',
  'wpasupplicant',
  'wireless-regdb',
  'iproute2',
  'openssh-server',
  // Growing and checking the data partition, and the boot partition.
  'fdisk',
  'e2fsprogs',
  'dosfstools',
  // What the binary is linked to, and the tools that the adapters use.
  'libstdc++6',
  'gpiod',
]

/** The drivers that the initial RAM disk needs to find the root: cards, USB disks, and QEMU's disks. */
const initialModules: readonly string[] = ['squashfs', 'mmc_block', 'virtio_blk', 'virtio_pci', 'virtio_mmio']

const hooks: readonly string[] = [
  'mkdir -p "$1/usr/share/initramfs-tools/modules.d" "$1/etc/initramfs-tools/conf.d" "$1/boot/firmware"',
  `printf '${initialModules.join('\\n')}\\n' > "$1/usr/share/initramfs-tools/modules.d/fieldgate"`,
  'echo "COMPRESS=zstd" > "$1/etc/initramfs-tools/conf.d/fieldgate"',
]

/** The archive, made when it is not in the cache. */
export function makeRootFileSystem(architecture: 'arm64'): string {
  const recipe = JSON.stringify([suite, components, packages, hooks, architecture])
  const name = createHash('sha256').update(recipe).digest('hex').slice(0, 16)
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'fieldgate-image')
  const archive = join(cache, `root-${name}.tar`)
  if (existsSync(archive)) return archive
  mkdirSync(cache, { recursive: true })
  emulate('aarch64')
  const partial = `${archive}.partial.tar`
  run('mmdebstrap', [
    `--architectures=${architecture}`,
    '--variant=essential',
    '--mode=root',
    `--components=${components}`,
    `--include=${packages.join(',')}`,
    '--aptopt=Apt::Install-Recommends "false"',
    ...hooks.map((hook) => `--essential-hook=${hook}`),
    suite,
    partial,
  ])
  renameSync(partial, archive)
  return archive
}

/** Lets the kernel run programs of another processor under QEMU; needs root, and nothing where it does so already. */
function emulate(processor: string): void {
  const registry = '/proc/sys/fs/binfmt_misc'
  if (!existsSync(`${registry}/register`)) run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', registry])
  if (existsSync(`${registry}/qemu-${processor}`)) return
  writeFileSync(`${registry}/register`, readFileSync(`/usr/lib/binfmt.d/qemu-${processor}.conf`, 'utf8').trim())
}
