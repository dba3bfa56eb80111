/** How symbol tables are taken out of a 64-bit ELF executable, whatever its processor: a sixth of Node's file, of no use to who runs it. */

const headerBytes = 64
const sectionHeaderBytes = 64
const isAllocated = 2n

interface Section {
  readonly flags: bigint
  readonly offset: number
  /** In the file; zero for what is only reserved in memory. */
  readonly fileBytes: number
  readonly header: Buffer
}

/** The executable without the sections that are not loaded into memory. Throws on anything but little-endian ELF64. */
export function stripSymbols(executable: Buffer): Buffer {
  if (executable.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') throw new Error('not a 64-bit little-endian ELF file')
  const sections = readSections(executable)
  // The first is the empty one; those that are loaded come before all others, so that their numbers stay.
  const kept = sections.filter(({ flags }, index) => index === 0 || (flags & isAllocated) !== 0n)
  if (kept.some((section, index) => section !== sections[index])) throw new Error('loaded sections after unloaded ones')
  const end = Math.max(...kept.map(({ offset, fileBytes }) => offset + fileBytes))
  const names = sections[executable.readUInt16LE(62)]
  if (!names) throw new Error('no section names')
  const nameHeader = Buffer.from(names.header)
  nameHeader.writeBigUInt64LE(BigInt(end), 24)
  const padding = Buffer.alloc(-(end + names.fileBytes) & 7)
  const header = Buffer.from(executable.subarray(0, headerBytes))
  header.writeBigUInt64LE(BigInt(end + names.fileBytes + padding.length), 40)
  header.writeUInt16LE(kept.length + 1, 60)
  header.writeUInt16LE(kept.length, 62)
  return Buffer.concat([
    header,
    executable.subarray(headerBytes, end),
    executable.subarray(names.offset, names.offset + names.fileBytes),
    padding,
    ...kept.map((section) => section.header),
    nameHeader,
  ])
}

function readSections(executable: Buffer): readonly Section[] {
  const start = Number(executable.readBigUInt64LE(40))
  return Array.from({ length: executable.readUInt16LE(60) }, (_, index) => {
    const at = start + index * sectionHeaderBytes
    const header = executable.subarray(at, at + sectionHeaderBytes)
    const isReserved = header.readUInt32LE(4) === 8
    return {
      header,
      flags: header.readBigUInt64LE(8),
      offset: Number(header.readBigUInt64LE(24)),
      fileBytes: isReserved ? 0 : Number(header.readBigUInt64LE(32)),
    }
  })
}
