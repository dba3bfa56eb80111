import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  decodeRegisters,
  encodeRegisters,
  type RegisterType,
  readAnswer,
  readRequest,
  type WordOrder,
  wordOrders,
  writeRequest,
} from '../../../src/adapters/modbus/codec.ts'
import { RtuFraming, TcpFraming } from '../../../src/adapters/modbus/framing.ts'
import { loadProfile } from '../../../src/adapters/modbus/profile.ts'
import { blocksOf } from '../../../src/adapters/modbus/register-map.ts'
import { profileNames } from '../../../src/adapters/modbus/setting-table.ts'
import { settingsFrom } from '../fixture.ts'
import { MachineTree } from '../machine-tree.ts'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

describe('Modbus requests', () => {
  it('are the bytes of the specification', () => {
    // Modbus Application Protocol V1.1b3, 6.1, 6.3, 6.5, 6.6 and 6.12.
    assert.deepEqual(readRequest('coil', 0x13, 0x13), bytes('01 00 13 00 13'))
    assert.deepEqual(readRequest('holding', 0x6b, 3), bytes('03 00 6b 00 03'))
    assert.deepEqual(writeRequest('coil', 0xac, true), bytes('05 00 ac ff 00'))
    assert.deepEqual(writeRequest('holding', 1, bytes('00 03')), bytes('06 00 01 00 03'))
    assert.deepEqual(writeRequest('holding', 1, bytes('00 0a 01 02')), bytes('10 00 01 00 02 04 00 0a 01 02'))
  })

  it('are answered with data, or with a refusal in words', () => {
    const request = readRequest('holding', 0x6b, 3)
    assert.deepEqual(readAnswer(request, bytes('03 06 02 2b 00 00 00 64')), bytes('02 2b 00 00 00 64'))
    assert.throws(() => readAnswer(request, bytes('83 02')), /the device has no such address/)
    assert.throws(() => readAnswer(request, bytes('83 63')), /exception 99/)
    assert.throws(() => readAnswer(request, bytes('03 04 02 2b 00 00')), /4 bytes answer a request for 6/)
    assert.throws(() => readAnswer(request, bytes('04 06 02 2b 00 00 00 64')), /answered by function 4/)
    assert.throws(() => readAnswer(request, bytes('')), /answered by function 0/)
  })

  it('on a serial line have a checksum, and so have the answers', () => {
    const framing = new RtuFraming()
    assert.deepEqual(framing.frame(1, readRequest('holding', 0, 10)), bytes('01 03 00 00 00 0a c5 cd'))
    const answer = bytes('01 03 02 00 11 78 48')
    for (let length = 0; length < answer.length; length++)
      assert.equal(framing.unframe(answer.subarray(0, length)), undefined)
    assert.deepEqual(framing.unframe(answer), bytes('03 02 00 11'))
    assert.throws(() => framing.unframe(bytes('01 03 02 00 12 78 48')), /checksum/)
    assert.throws(() => framing.unframe(bytes('02 03 02 00 11 78 48')), /unit 2 answers/)
    assert.deepEqual(framing.unframe(bytes('01 83 02 c0 f1')), bytes('83 02'))
  })

  it('over TCP are told apart by their number; late answers are passed over', () => {
    const framing = new TcpFraming()
    const request = readRequest('input', 8, 1)
    framing.frame(3, request)
    assert.deepEqual(framing.frame(3, request), bytes('00 02 00 00 00 06 03 04 00 08 00 01'))
    const late = bytes('00 01 00 00 00 05 03 04 02 00 00')
    const answer = bytes('00 02 00 00 00 05 03 04 02 00 0a')
    assert.deepEqual(framing.unframe(Buffer.concat([late, answer])), bytes('04 02 00 0a'))
    assert.equal(framing.unframe(answer.subarray(0, 9)), undefined)
    assert.throws(() => framing.unframe(Buffer.from('HTTP/1.1 400 Bad Request')), /does not speak Modbus/)
  })
})

describe('numbers in registers', () => {
  const cases: readonly (readonly [hex: string, type: RegisterType, order: WordOrder, value: number])[] = [
    ['ff 38', 'int16', 'ABCD', -200],
    ['ff 38', 'uint16', 'ABCD', 65_336],
    ['00 01 e2 40', 'uint32', 'ABCD', 123_456],
    ['e2 40 00 01', 'uint32', 'CDAB', 123_456],
    ['01 00 40 e2', 'uint32', 'BADC', 123_456],
    ['40 e2 01 00', 'int32', 'DCBA', 123_456],
    ['43 66 33 33', 'float32', 'ABCD', 230.2],
    ['33 33 43 66', 'float32', 'CDAB', 230.2],
    ['ff ff ff ff ff ff ff fe', 'int64', 'ABCD', -2],
    ['40 09 21 fb 54 44 2d 18', 'float64', 'ABCD', Math.PI],
  ]
  for (const [hex, type, order, value] of cases) {
    it(`${hex} are ${value} as ${type} ${order}`, () => {
      assert.equal(decodeRegisters(bytes(hex), type, order), value)
      assert.deepEqual(encodeRegisters(value, type, order), bytes(hex))
    })
  }

  it('come back as they were written, in any order', () => {
    for (const order of wordOrders)
      for (const type of ['int32', 'float32', 'float64', 'uint64'] as const)
        assert.equal(decodeRegisters(encodeRegisters(4711, type, order), type, order), 4711)
  })

  it('may be single bits, or a text', () => {
    assert.deepEqual(
      [decodeRegisters(bytes('00 04'), 'bit', 'ABCD', 2), decodeRegisters(bytes('00 04'), 'bit', 'ABCD', 1)],
      [true, false],
    )
    assert.equal(decodeRegisters(Buffer.from('PUMP-7\0\0'), 'string', 'ABCD'), 'PUMP-7')
  })
})

describe('a register map', () => {
  it('is read with few requests: neighbours share one, gaps and sizes have their limits', async () => {
    const points = await loadProfile('eastron-sdm120')
    const spans = (gap: number, most: number) =>
      blocksOf(points, gap, most).map(({ address, count }) => [address, count])
    assert.deepEqual(spans(8, 100), [
      [0, 32],
      [70, 6],
      [342, 2],
    ])
    assert.deepEqual(spans(100, 100), [
      [0, 76],
      [342, 2],
    ])
    assert.deepEqual(spans(8, 10).length, 5)
  })

  it('of a shipped profile is well formed, and one of a file is checked', async (context) => {
    for (const name of profileNames) assert.ok((await loadProfile(name)).length >= 2, name)
    await assert.rejects(loadProfile('./nowhere.json'), /ENOENT/)
    const load = (points: unknown) => {
      const tree = new MachineTree(context, { 'own.json': JSON.stringify(points) })
      return loadProfile(`${tree.root}/own.json`)
    }
    const [level] = await load([{ name: 'level', register: 7, type: 'float32' }])
    assert.deepEqual([level?.register, level?.type, level?.table, level?.writable], [7, 'float32', 'holding', false])
    await assert.rejects(load([{ name: 'level', registr: 7 }]), /own\.json: point 1: no key is called registr/)
    await assert.rejects(load([{ name: 'level' }]), /point 1: register is missing/)
    await assert.rejects(load([{ name: 'level', register: '7' }]), /register = "7": expected a number/)
    await assert.rejects(load([{ name: 'a', register: 7, type: 'float' }]), /type = "float": expected int16 or/)
    await assert.rejects(load({}), /expected a list of points/)
  })

  const refusals: readonly (readonly [toml: string, message: RegExp])[] = [
    ['address = "192.168.1.4"\nprofile = "xy-md02"', /device\[1\]\.address: 192\.168\.1\.4: must be HOST:PORT/],
    ['address = "a:502"', /device\[1\]\.point: there is no point and no profile/],
    ['address = "a:502"\nprofile = "sdm"', /device\[1\]\.profile: sdm: there are eastron-sdm120/],
    [
      'address = "a:502"\n[[adapters.modbus.device.point]]\nname = "x"\nregister = 1\ntable = "input"\nwritable = true',
      /device\[1\]\.point\[1\]\.writable: only coils/,
    ],
  ]
  for (const [toml, message] of refusals) {
    it(`is refused at start: ${toml.replaceAll('\n', '; ')}`, () => {
      const head = '[adapters.modbus]\nenabled = true\n[[adapters.modbus.device]]\nname = "m"\n'
      assert.throws(() => settingsFrom('modbus', head + toml), message)
    })
  }
})
