/** What people write into `board.toml` on the boot partition, and the files of Linux that follow from it. */

import { parse, TomlError } from 'smol-toml'

/** Path below /run, and content. */
export type BootFiles = ReadonlyMap<string, string>

export interface BootSettings {
  readonly hostname: string | undefined
  readonly files: BootFiles
}

interface Row {
  readonly expression: RegExp
  readonly expected: string
  readonly isList?: boolean
}

const address = '(?:\\d{1,3}\\.){3}\\d{1,3}|[\\da-fA-F:]*:[\\da-fA-F:.]*'

const table: Readonly<Record<string, Row>> = {
  hostname: { expression: /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i, expected: 'letters, digits and hyphens, 63 at most' },
  'wifi.ssid': {
    expression: /^[^\p{Cc}"\\]{1,32}$/u,
    expected: 'the name of a network, 32 characters at most, without quotes',
  },
  'wifi.password': { expression: /^[\x20-\x7e]{8,63}$/, expected: '8 to 63 characters of ASCII' },
  'wifi.country': { expression: /^[A-Z]{2}$/, expected: 'two capital letters such as DE' },
  'ethernet.address': {
    expression: new RegExp(`^(?:${address})/\\d{1,3}$`),
    expected: 'an address with its prefix, such as 192.0.2.10/24',
  },
  'ethernet.gateway': { expression: new RegExp(`^(?:${address})$`), expected: 'an address' },
  'ethernet.dns': { expression: new RegExp(`^(?:${address})$`), expected: 'a list of addresses', isList: true },
  'ssh.keys': {
    expression: /^(?:ssh-|ecdsa-|sk-)[\w@.-]+ [A-Za-z\d+/=]+(?: [^\n]*)?$/,
    expected: 'a list of public keys',
    isList: true,
  },
}

/** What keeps a file from being used, in one line. */
export class BootFileError extends Error {}

/** Reads `board.toml`. Throws BootFileError when anything in it can't be used: a file is taken as a whole or not at all. */
export function readBootSettings(text: string): BootSettings {
  const values = flatten(parseToml(text))
  for (const [path, value] of values) checkValue(path, value)
  const one = (path: string) => values.get(path) as string | undefined
  const many = (path: string) => (values.get(path) ?? []) as readonly string[]
  const files = new Map<string, string>()
  if (one('wifi.ssid') !== undefined) {
    if (one('wifi.password') === undefined) throw new BootFileError('wifi.password is missing')
    files.set(
      'fieldgate-board/wpa_supplicant.conf',
      writeWifi(one('wifi.ssid'), one('wifi.password'), one('wifi.country')),
    )
  }
  if (one('ethernet.address') !== undefined)
    files.set(
      'systemd/network/10-ethernet.network',
      writeEthernet(one('ethernet.address'), one('ethernet.gateway'), many('ethernet.dns')),
    )
  if (many('ssh.keys').length > 0) files.set('fieldgate-board/authorized_keys', `${many('ssh.keys').join('\n')}\n`)
  return { hostname: one('hostname'), files }
}

function parseToml(text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw new BootFileError(`line ${error.line} is not TOML`)
  }
}

function flatten(document: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(document).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([key, inner]) => [`${name}.${key}`, inner] as const)
        : [[name, value] as const],
    ),
  )
}

function checkValue(path: string, value: unknown): void {
  const row = table[path]
  if (!row) throw new BootFileError(`${path} is not known; there are ${Object.keys(table).join(', ')}`)
  const entries = row.isList ? value : [value]
  const isRight =
    Array.isArray(entries) && entries.every((entry) => typeof entry === 'string' && row.expression.test(entry))
  if (!isRight) throw new BootFileError(`${path} must be ${row.expected}`)
}

function writeWifi(ssid: string | undefined, password: string | undefined, country = '00'): string {
  return `ctrl_interface=/run/wpa_supplicant
country=${country}
network={
  ssid="${ssid}"
  psk="${password?.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"
}
`
}

function writeEthernet(own: string | undefined, gateway: string | undefined, dns: readonly string[]): string {
  return [
    '[Match]\nType=ether\nKind=!*\n\n[Network]',
    `Address=${own}`,
    ...(gateway === undefined ? [] : [`Gateway=${gateway}`]),
    ...dns.map((server) => `DNS=${server}`),
    '',
  ].join('\n')
}
