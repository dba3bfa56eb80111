/** The life of a process that is a gateway or a backend, from its configuration to the signal that ends it. */

import { ExitCode, type Invocation } from './command.ts'
import { findConfiguration } from './configuration-file.ts'
import { Gateway } from './gateway.ts'
import { isForPeople, openLog } from './log-output.ts'
import type { Profile } from './profile.ts'
import { writeValue } from './setting.ts'
import { type CollectGarbage, SpareMemory } from './spare-memory.ts'
import { describeStartFailure } from './start-failure.ts'
import { startSupervision } from './supervision.ts'
import { systemClock } from './system-clock.ts'
import type { Watchdog } from './systemd/watchdog.ts'
import { version } from './version.ts'
import { writeWelcome } from './welcome.ts'

const longestTimerMs = 2 ** 31 - 1

/** Runs until a signal ends it, and resolves with the exit code. */
export async function runProcess(invocation: Invocation, profile: Profile): Promise<number> {
  const { environment, complain, print } = invocation.surroundings
  const { problems, settings, fileName, dataDirectory, imported } = await findConfiguration(invocation, { profile })
  if (problems.length > 0) {
    for (const { message } of problems) complain(message)
    return ExitCode.CONFIGURATION
  }
  const log = openLog({ ...settings.log, clock: systemClock, environment })
  process.on('uncaughtException', (error) => {
    log.error('a bug: the gateway ends here and wants to be started again', { error })
    process.exit(ExitCode.FAILURE)
  })
  if (imported !== undefined)
    log.info("this is OpenMTC's configuration", {
      configuration: fileName,
      keys: imported.settings.map(({ from, path, value }) => `${from} is ${path} = ${writeValue(value)}`),
      needless: imported.notes,
    })
  const stopping = waitForSignal()
  // Listeners may all be off, and nothing else would hold the process.
  const hold = setInterval(() => undefined, longestTimerMs)
  const gateway = new Gateway({ settings, dataDirectory, log, clock: systemClock })
  let supervision: Watchdog | undefined
  try {
    const addresses = await gateway.start()
    const startMs = Math.round(performance.now())
    if (isForPeople(settings.log.format))
      print(writeWelcome({ settings, dataDirectory, addresses, startMs, environment }))
    else
      log.info('ready', {
        version,
        ...addresses,
        cseId: settings.cse.id,
        configuration: fileName,
        dataDirectory,
        startMs,
        pid: process.pid,
      })
    const memory = spareMemory()
    supervision = await startSupervision({ gateway, addresses, environment, memory, clock: systemClock, log })
    memory.start()
  } catch (error) {
    clearInterval(hold)
    const failure = describeStartFailure(error, dataDirectory)
    if (!failure) throw error
    complain(`fieldgate: ${failure.text}.`)
    return failure.exitCode
  }
  log.info('stopping', { signal: await stopping })
  supervision?.stop()
  await gateway.stop()
  clearInterval(hold)
  log.info('stopped')
  return ExitCode.OK
}

function spareMemory(): SpareMemory {
  return new SpareMemory({
    clock: systemClock,
    collectGarbage: (globalThis as { readonly gc?: CollectGarbage }).gc,
    residentMemory: () => process.memoryUsage.rss(),
    usedTime() {
      const { user, system } = process.cpuUsage()
      return user + system
    },
  })
}

/**
 * Resolves with the first SIGTERM or SIGINT. A later one ends the process at once; one within a second of the first is the same
 * key pressed once, which a terminal and npm both pass on.
 */
function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstMs: number | undefined
    const receive = (signal: NodeJS.Signals): void => {
      const nowMs = systemClock.monotonicMs()
      if (firstMs !== undefined && nowMs - firstMs > 1000) process.exit(ExitCode.FAILURE)
      firstMs ??= nowMs
      resolve(signal)
    }
    process.on('SIGTERM', receive)
    process.on('SIGINT', receive)
  })
}
