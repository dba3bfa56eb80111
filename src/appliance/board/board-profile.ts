/** What a profile of a board says, and the check that it says it: the one schema of `firmware-profiles/`. */

export interface BoardProfile {
  readonly id: string
  readonly name: string
  readonly architecture: 'arm64' | 'x64'
  /** By which of its device tree's `compatible` strings the board is known; none for one that has no device tree. */
  readonly compatible: readonly string[]
  readonly service: {
    readonly memoryHighMiB: number
    readonly memoryMaxMiB: number
    /** Besides those that are baked into the binary. */
    readonly v8Flags: readonly string[]
  }
  readonly boot: {
    /** Lines of the Raspberry Pi's config.txt. */
    readonly configTxt: readonly string[]
    /** Device tree overlays that are wanted, by the name of the interface. */
    readonly overlays: readonly string[]
    /** The kernel's console. */
    readonly console: string
  }
  readonly io: {
    readonly serialPorts: readonly string[]
    readonly gpioChip: string
    readonly statusLed: string | null
  }
  readonly watchdog: { readonly device: string; readonly seconds: number } | null
  readonly storage: {
    readonly durability: 'power-cut' | 'process'
    /** As `store.reading_patience`. */
    readonly readingPatience: string
    readonly journalMiB: number
    /** The commit interval of the data partition's file system; what is acknowledged is synced regardless. */
    readonly commitSeconds: number
  }
  /** Adapters that are on. */
  readonly adapters: readonly string[]
  /** Sizes of the partitions of the image; null where there is no image for the board. */
  readonly image: { readonly bootMiB: number; readonly rootMiB: number; readonly dataMiB: number } | null
}

/** A text that matches, a number within bounds, a list of what is in it, one of two, or an object with exactly these members. */
type Shape =
  | RegExp
  | readonly [minimum: number, maximum: number]
  | { readonly listOf: Shape }
  | { readonly orNull: Shape }
  | { readonly members: Readonly<Record<string, Shape>> }

const device = /^\/dev\/[\w/-]+$/
const word = /^[\w-]+$/

const schema: Shape = {
  members: {
    id: /^[a-z\d]+(?:-[a-z\d]+)*$/,
    name: /^\S.*\S$/,
    architecture: /^(?:arm64|x64)$/,
    compatible: { listOf: /^[\w.-]+,[\w.-]+$/ },
    service: {
      members: { memoryHighMiB: [96, 4096], memoryMaxMiB: [128, 4096], v8Flags: { listOf: /^--[a-z-]+(?:=\d+)?$/ } },
    },
    boot: {
      members: {
        configTxt: { listOf: /^[a-z\d_]+=[^\s#]+$/ },
        overlays: { listOf: word },
        console: /^tty\w+(?:,\d+)?$/,
      },
    },
    io: { members: { serialPorts: { listOf: device }, gpioChip: device, statusLed: { orNull: word } } },
    watchdog: { orNull: { members: { device, seconds: [5, 120] } } },
    storage: {
      members: {
        durability: /^(?:power-cut|process)$/,
        readingPatience: /^\d+(?:ms|s|min)$/,
        journalMiB: [4, 1024],
        commitSeconds: [1, 300],
      },
    },
    adapters: { listOf: word },
    image: { orNull: { members: { bootMiB: [128, 1024], rootMiB: [256, 4096], dataMiB: [64, 65_536] } } },
  },
}

/** What is wrong with the content of a profile's file, each with the path of the member; nothing for one that may be used. */
export function checkBoardProfile(content: unknown): readonly string[] {
  return check(schema, content, 'profile')
}

function check(shape: Shape, value: unknown, path: string): readonly string[] {
  if (shape instanceof RegExp)
    return typeof value === 'string' && shape.test(value) ? [] : [`${path}: ${JSON.stringify(value)} is not ${shape}`]
  if ('listOf' in shape) {
    if (!Array.isArray(value)) return [`${path} is not a list`]
    return value.flatMap((entry, index) => check(shape.listOf, entry, `${path}[${index}]`))
  }
  if ('orNull' in shape) return value === null ? [] : check(shape.orNull, value, path)
  if ('members' in shape) return checkMembers(shape.members, value, path)
  const [minimum, maximum] = shape
  const isWithin = Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum
  return isWithin ? [] : [`${path}: ${JSON.stringify(value)} is not from ${minimum} to ${maximum}`]
}

function checkMembers(members: Readonly<Record<string, Shape>>, value: unknown, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return [`${path} is not an object`]
  const unknown = Object.keys(value).filter((name) => !(name in members))
  return [
    ...unknown.map((name) => `${path}.${name} is not known`),
    ...Object.entries(members).flatMap(([name, shape]) =>
      check(shape, (value as Readonly<Record<string, unknown>>)[name], `${path}.${name}`),
    ),
  ]
}
