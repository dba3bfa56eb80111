/**
 * `fieldgate apply-boot-files`: at the start of an image, takes over what people have put on the boot partition. What can't be read is
 * refused in one line, and what was there before stays.
 */

import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { adapters } from '../../adapters/index.ts'
import { BootFileError, readBootSettings } from '../board/boot-setting.ts'
import { ExitCode, type Invocation, type Surroundings } from '../command.ts'
import { readConfiguration } from '../configuration.ts'
import { readRunningSlot } from '../update/slot.ts'

const bootDirectory = '/boot/firmware'
/** The last one that was good, for a start with one that is not. */
const keptBoardFile = '/data/board.toml'
const configurationFile = '/etc/fieldgate/fieldgate.toml'
const firstConfigurationFile = '/usr/lib/fieldgate/fieldgate.toml'

export async function run({ surroundings }: Invocation): Promise<number> {
  if (readRunningSlot(readFileSync('/proc/cmdline', 'utf8')) === undefined) {
    surroundings.complain(
      'fieldgate: this system was not started from an image; its configuration is changed in place.',
    )
    return ExitCode.UNAVAILABLE
  }
  applyBoardFile(surroundings)
  applyConfiguration(surroundings)
  return ExitCode.OK
}

function applyBoardFile({ complain, print }: Surroundings): void {
  const given = join(bootDirectory, 'board.toml')
  for (const path of [given, keptBoardFile].filter((candidate) => existsSync(candidate))) {
    try {
      const text = readFileSync(path, 'utf8')
      const { hostname, files } = readBootSettings(text)
      for (const [name, content] of files) replace(join('/run', name), content)
      if (hostname !== undefined) writeFileSync('/proc/sys/kernel/hostname', hostname)
      if (path === given) replace(keptBoardFile, text)
      if (files.has('fieldgate-board/wpa_supplicant.conf'))
        execFileSync('systemctl', ['--no-block', 'start', 'wpa_supplicant@wlan0.service'])
      print(`${path}: taken over`)
      return
    } catch (error) {
      if (!(error instanceof BootFileError)) throw error
      complain(`fieldgate: ${path} is refused: ${error.message}. What was set before stays.`)
    }
  }
}

function applyConfiguration({ complain, print }: Surroundings): void {
  const given = join(bootDirectory, 'fieldgate.toml')
  if (!existsSync(configurationFile)) copyFileSync(firstConfigurationFile, configurationFile)
  if (!existsSync(given)) return
  const text = readFileSync(given, 'utf8')
  const [problem] = readConfiguration({ adapters, file: { name: given, text } }).problems
  if (problem) {
    complain(`fieldgate: ${problem.message.split('\n')[0]}. The gateway goes on with the configuration that it had.`)
    return
  }
  replace(configurationFile, text)
  print(`${given}: taken over`)
}

function replace(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.new`, content, { mode: 0o644, flush: true })
  renameSync(`${path}.new`, path)
}
