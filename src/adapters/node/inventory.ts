/** What a machine is: who made it, what it is called and which versions run on it. From files of the kernel, and once from systeminformation. */

import type { MachineFiles } from '../machine-file.ts'

export interface Inventory {
  readonly manufacturer: string
  readonly model: string
  readonly serial: string
  readonly hardwareVersion: string
  readonly firmwareVersion: string
  readonly osName: string
  readonly osVersion: string
  readonly kernelVersion: string
  readonly hostName: string
  readonly processor: string
}

const unknown = 'unknown'
/** What makers leave in fields that they do not fill. */
const placeholder =
  /^(?:to be filled|default string|not specified|none|system (?:product|manufacturer)|o\.?e\.?m\.?|-$|0+$)/i

/** What the kernel's files say: of a board its device tree, of a PC its DMI table. */
export async function readInventory(files: MachineFiles): Promise<Inventory> {
  const text = async (path: string) => (await files.text(path).catch(() => undefined))?.replaceAll('\0', '').trim()
  const dmi = (name: string) => text(`sys/class/dmi/id/${name}`)
  const [model, serial, osRelease, hostName, kernel, cpu] = await Promise.all([
    text('proc/device-tree/model'),
    text('proc/device-tree/serial-number'),
    text('etc/os-release'),
    text('proc/sys/kernel/hostname'),
    text('proc/sys/kernel/osrelease'),
    text('proc/cpuinfo'),
  ])
  const release = (key: string) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(osRelease ?? '')?.[1]
  return {
    manufacturer: known(
      model === undefined
        ? await dmi('sys_vendor')
        : model.split(' ')[0] === 'Raspberry'
          ? 'Raspberry Pi'
          : model.split(' ')[0],
    ),
    model: known(model ?? (await dmi('product_name'))),
    serial: known(serial ?? (await dmi('product_serial'))),
    hardwareVersion: known(/^Revision\s*: (\S+)$/m.exec(cpu ?? '')?.[1] ?? (await dmi('product_version'))),
    firmwareVersion: known(await dmi('bios_version')),
    osName: known(release('NAME')),
    osVersion: known(release('VERSION_ID')),
    kernelVersion: known(kernel),
    hostName: known(hostName),
    processor: known(/^(?:model name|Model)\s*: (.+)$/m.exec(cpu ?? '')?.[1]),
  }
}

/** What systeminformation adds; it starts processes, so it is asked in a process of its own, once. Only calls that take no input from outside. */
export async function surveyMachine(): Promise<Partial<Inventory>> {
  const { bios, cpu, osInfo, system } = await import('systeminformation')
  const [machine, firmware, os, processor] = await Promise.all([system(), bios(), osInfo(), cpu()])
  const found = {
    manufacturer: machine.manufacturer,
    model: machine.model,
    serial: machine.serial,
    hardwareVersion: machine.version,
    firmwareVersion: firmware.version,
    osName: os.distro,
    osVersion: os.release,
    kernelVersion: os.kernel,
    hostName: os.hostname,
    processor: [processor.manufacturer, processor.brand].join(' '),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => known(value) !== unknown))
}

/** What the survey says goes before what the files say only where those say nothing. */
export function mergeInventory(files: Inventory, survey: Partial<Inventory>): Inventory {
  const known = Object.entries(files).filter(([, value]) => value !== unknown)
  return { ...files, ...survey, ...Object.fromEntries(known) }
}

function known(text: string | undefined): string {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' || placeholder.test(trimmed) ? unknown : trimmed.slice(0, 200)
}
