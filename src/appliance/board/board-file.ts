/** What follows from a board's profile for the files that others read: systemd and the Raspberry Pi's firmware. */

import type { BoardProfile } from './board-profile.ts'

const overlayLines: Readonly<Record<string, string>> = {
  i2c1: 'dtparam=i2c_arm=on',
  'w1-gpio': 'dtoverlay=w1-gpio',
  watchdog: 'dtparam=watchdog=on',
}

/** A drop-in for fieldgate.service: memory and V8's flags. */
export function writeServiceDropIn({ id, service }: BoardProfile): string {
  return `# Made from the profile ${id}.
[Service]
MemoryHigh=${service.memoryHighMiB}M
MemoryMax=${service.memoryMaxMiB}M
Environment="NODE_OPTIONS=${service.v8Flags.join(' ')}"
`
}

/** The configuration of a gateway that nobody has configured yet. */
export function writeConfiguration({ id, storage, adapters }: BoardProfile): string {
  return `# Made from the profile ${id}; \`fieldgate help configuration\` lists all keys.
[store]
durability = "${storage.durability}"
reading_patience = "${storage.readingPatience}"
${adapters.map((name) => `\n[adapters.${name}]\nenabled = true\n`).join('')}`
}

/** The config.txt of an image. Debian's device trees have no overlays. */
export function writeBootConfiguration({ id, boot }: BoardProfile): string {
  return `${[`# Made from the profile ${id}.`, ...boot.configTxt].join('\n')}\n`
}

/** What switches the board's interfaces on in the config.txt of Raspberry Pi OS. */
export function writeInterfaceConfiguration({ id, boot }: BoardProfile): string {
  const lines = boot.overlays.flatMap((name) => overlayLines[name] ?? [])
  return `${[`# From the profile ${id}: add it to /boot/firmware/config.txt.`, 'enable_uart=1', ...lines].join('\n')}\n`
}

/** systemd's own watchdog on the board's, for a kernel or a systemd that hangs. */
export function writeSystemDropIn({ id, watchdog }: BoardProfile): string {
  const lines = watchdog ? [`RuntimeWatchdogSec=${watchdog.seconds}s`, `WatchdogDevice=${watchdog.device}`] : []
  return `${[`# Made from the profile ${id}.`, '[Manager]', ...lines].join('\n')}\n`
}

/** The journal stays in memory: a log that is written to a card wears it. */
export function writeJournalDropIn({ id, storage }: BoardProfile): string {
  return `# Made from the profile ${id}.\n[Journal]\nStorage=volatile\nRuntimeMaxUse=${storage.journalMiB}M\n`
}
