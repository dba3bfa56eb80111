/** What the kernel writes into its files (proc(5), Documentation/ABI sysfs-class-thermal), as numbers. What is not as documented is undefined. */

export interface CpuTimes {
  /** Clock ticks since boot, of all processors together. */
  readonly busy: number
  readonly total: number
}

export interface Memory {
  readonly totalBytes: number
  /** What programs could still get without swapping. */
  readonly availableBytes: number
}

/** Bytes since boot. */
export interface Traffic {
  readonly inBytes: number
  readonly outBytes: number
}

/** `/proc/loadavg`: processes that ran or waited, on average of the last minute. */
export function parseLoad(text: string): number | undefined {
  return figure(/^(\d+\.\d+) /.exec(text)?.[1])
}

/** `/proc/stat`, first line: user nice system idle iowait irq softirq steal; guest times are part of user. */
export function parseCpuTimes(text: string): CpuTimes | undefined {
  const ticks = /^cpu +(\d+(?: \d+){3,})/.exec(text)?.[1]?.split(' ').slice(0, 8).map(Number)
  if (ticks === undefined || !ticks.every(Number.isSafeInteger)) return undefined
  const [, , , idle = 0, wait = 0] = ticks
  const total = ticks.reduce((sum, tick) => sum + tick, 0)
  return { busy: total - idle - wait, total }
}

/** `/proc/meminfo`. */
export function parseMemory(text: string): Memory | undefined {
  const total = figure(/^MemTotal: +(\d+) kB$/m.exec(text)?.[1])
  const available = figure(/^MemAvailable: +(\d+) kB$/m.exec(text)?.[1])
  if (total === undefined || available === undefined || total === 0 || available > total) return undefined
  return { totalBytes: total * 1024, availableBytes: available * 1024 }
}

/** `/proc/net/dev`: received bytes are the first of sixteen columns, sent bytes the ninth. */
export function parseTraffic(text: string): ReadonlyMap<string, Traffic> | undefined {
  if (!text.startsWith('Inter-|')) return undefined
  const lines = [...text.matchAll(/^ *(\S+): *(\d+)(?: +\d+){7} +(\d+)(?: +\d+){7}$/gm)]
  return new Map(
    lines.flatMap(([, name = '', received, sent]) => {
      const bytes = traffic(received, sent)
      return bytes === undefined ? [] : [[name, bytes] as const]
    }),
  )
}

/** `/proc/diskstats`: sectors of 512 bytes, whatever the device; undefined when the device is not listed. */
export function parseDiskTraffic(text: string, major: number, minor: number): Traffic | undefined {
  const line = new RegExp(`^ *${major} +${minor} \\S+ \\d+ \\d+ (\\d+) \\d+ \\d+ \\d+ (\\d+) `, 'm').exec(text)
  return traffic(line?.[1], line?.[2], 512)
}

/** `/proc/uptime`: seconds since boot. */
export function parseUptime(text: string): number | undefined {
  return figure(/^(\d+\.\d+) /.exec(text)?.[1])
}

/** `thermal_zone*\/temp`: thousandths of a degree Celsius. Zones that have no sensor answer with absurd figures. */
export function parseTemperature(text: string): number | undefined {
  const celsius = Number(/^(-?\d+)\s*$/.exec(text)?.[1] ?? Number.NaN) / 1000
  return celsius > -60 && celsius < 200 ? celsius : undefined
}

function traffic(inText: string | undefined, outText: string | undefined, unitBytes = 1): Traffic | undefined {
  const [inUnits, outUnits] = [figure(inText), figure(outText)]
  return inUnits === undefined || outUnits === undefined
    ? undefined
    : { inBytes: inUnits * unitBytes, outBytes: outUnits * unitBytes }
}

/** Digits as a number; nothing for more than numbers hold (2^53: petabytes). */
function figure(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text)
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined
}
