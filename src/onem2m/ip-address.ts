/** IP addresses and networks (TS-0004 6.3.3, ipv4 and ipv6): how they are written, and whether one lies within another. */

import { type AttributeType, refused } from './attribute-type.ts'

/** An address of that version, or a network of such: `10.0.0.0/8`. */
export function ipAddress(version: 4 | 6): AttributeType<string> {
  const expected = version === 4 ? 'an IPv4 address such as 10.0.0.1 or 10.0.0.0/8' : 'an IPv6 address such as fd00::/8'
  return {
    name: expected,
    decode(wire, where) {
      const network = typeof wire === 'string' ? networkOf(wire) : undefined
      if (network?.bits.length !== (version === 4 ? 32 : 128)) throw refused(where, wire, expected)
      return wire as string
    },
  }
}

/** Whether an address is this one, or of this network. */
export function isWithin(network: string, address: string): boolean {
  const { bits, fixed } = networkOf(network) ?? { bits: '', fixed: 0 }
  const own = bitsOf(address)
  return own?.length === bits.length && own.startsWith(bits.slice(0, fixed))
}

/** The bits of a network, as text, and how many of them all its addresses begin with. */
function networkOf(text: string): { readonly bits: string; readonly fixed: number } | undefined {
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const bits = bitsOf(address)
  if (bits === undefined) return undefined
  const fixed = prefix === undefined ? bits.length : Number(prefix)
  return fixed > bits.length ? undefined : { bits, fixed }
}

/** 32 or 128 digits. */
function bitsOf(address: string): string | undefined {
  return address.includes(':') ? bitsOfIpv6(address) : bitsOfIpv4(address)
}

function bitsOfIpv4(address: string): string | undefined {
  const bytes = address.split('.')
  if (bytes.length !== 4 || !bytes.every((byte) => /^\d{1,3}$/.test(byte) && Number(byte) < 256)) return undefined
  return bytes.map((byte) => Number(byte).toString(2).padStart(8, '0')).join('')
}

/** RFC 4291 2.2: eight groups, of which `::` stands for those that are zero. */
function bitsOfIpv6(address: string): string | undefined {
  const [head = '', tail, ...more] = address.split('::')
  const groupsOf = (part: string) => (part === '' ? [] : part.split(':'))
  const [left, right] = [groupsOf(head), groupsOf(tail ?? '')]
  const missing = 8 - left.length - right.length
  if (more.length > 0 || (tail === undefined ? missing !== 0 : missing < 1)) return undefined
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right]
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('')
}
