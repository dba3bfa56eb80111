/**
 * How a service tells systemd how it is (sd_notify(3)) without native code: Node has no datagram sockets of the Unix kind, but systemd 253
 * and later opens its socket for the service (`OpenFile=/run/systemd/notify:notify`); before that the program systemd-notify has to do.
 */

import { spawn } from 'node:child_process'
import { write } from 'node:fs'

type Environment = Readonly<Record<string, string | undefined>>

/** The first file descriptor that systemd passes on: sd_listen_fds(3). */
const firstDescriptor = 3

export interface ServiceManager {
  /** How often it wants to hear of us, in milliseconds; undefined when it does not watch. */
  readonly watchdogMs: number | undefined
  /** Sends assignments such as `READY=1`. Never fails: a manager that does not listen has its own time limits. */
  tell(...assignments: readonly string[]): void
}

/** The manager that started this process, or undefined when it does not want to be told anything. */
export function findServiceManager(environment: Environment, processId: number): ServiceManager | undefined {
  if (!environment['NOTIFY_SOCKET']) return undefined
  const descriptor = findDescriptor(environment, processId)
  return {
    watchdogMs: readWatchdogMs(environment, processId),
    tell: descriptor === undefined ? tellByProgram() : tellBySocket(descriptor),
  }
}

function findDescriptor(environment: Environment, processId: number): number | undefined {
  if (environment['LISTEN_PID'] !== String(processId)) return undefined
  const index = environment['LISTEN_FDNAMES']?.split(':').indexOf('notify') ?? -1
  return index < 0 ? undefined : firstDescriptor + index
}

/** sd_watchdog_enabled(3) */
function readWatchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: Environment, processId: number): number | undefined {
  const milliseconds = Number(WATCHDOG_USEC) / 1000
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(processId)
  return isOurs && milliseconds > 0 ? milliseconds : undefined
}

function tellBySocket(descriptor: number): ServiceManager['tell'] {
  return (...assignments) => write(descriptor, assignments.join('\n'), () => undefined)
}

/** One at a time, so that a machine that hangs does not fill up with them: what comes meanwhile waits, the latest of each kind. */
function tellByProgram(): ServiceManager['tell'] {
  let isRunning = false
  const waiting = new Map<string, string>()
  const send = (): void => {
    if (isRunning || waiting.size === 0) return
    const assignments = [...waiting.values()]
    waiting.clear()
    isRunning = true
    const goOn = () => {
      isRunning = false
      send()
    }
    spawn('systemd-notify', ['--no-block', ...assignments], { stdio: 'ignore' })
      .once('error', goOn)
      .once('exit', goOn)
      .unref()
  }
  return (...assignments) => {
    for (const assignment of assignments) waiting.set(assignment.split('=', 1)[0] ?? '', assignment)
    send()
  }
}
