/** What can be set about Modbus devices, on a network or a serial line. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import { adapterTable, commanderRow } from '../adapter.ts'
import { pointRows } from '../point.ts'
import { serialRows, speedFault } from '../serial-port.ts'
import { registerCount, registerTypes, wordOrders } from './codec.ts'

/** The profiles that are shipped: a file each. */
export const profileNames = ['eastron-sdm120', 'eastron-sdm630', 'xy-md02', 'pzem-016'] as const

export const pointSpecificationRows = [
  { key: 'name', type: 'string', isRequired: true, text: 'Where the value goes, below the name of the device.' },
  {
    key: 'table',
    type: 'string',
    choices: ['holding', 'input', 'coil', 'discrete'],
    default: 'holding',
    text: 'Which kind of register: read by function 3, 4, 1 or 2.',
  },
  {
    key: 'register',
    type: 'integer',
    isRequired: true,
    minimum: 0,
    maximum: 65_535,
    text: 'Its address as it goes over the line, from 0: 40001 in a manual is register 0 of holding.',
  },
  {
    key: 'type',
    type: 'string',
    choices: registerTypes,
    default: 'uint16',
    text: 'What the registers hold; of coils and discrete inputs it is not looked at.',
  },
  {
    key: 'bit',
    type: 'integer',
    default: 0,
    minimum: 0,
    maximum: 15,
    text: 'Of type bit: which one, 0 is the lowest.',
  },
  { key: 'length', type: 'integer', default: 2, minimum: 1, maximum: 240, text: 'Of type string: how many bytes.' },
  {
    key: 'word_order',
    type: 'string',
    choices: wordOrders,
    text: 'Byte order where it differs from that of the device.',
  },
  {
    key: 'period',
    type: 'duration',
    minimum: 100,
    maximum: 86_400_000,
    text: 'Time between readings where it differs from that of the device.',
  },
  {
    key: 'writable',
    type: 'boolean',
    default: false,
    text: 'Whether it takes commands: a coil or a holding register.',
  },
  ...pointRows,
] as const

export type PointSpecification = SettingsOf<typeof pointSpecificationRows>

const deviceRows = [
  { key: 'name', type: 'string', isRequired: true, text: 'The place of its points below the AE.' },
  {
    key: 'address',
    type: 'string',
    isRequired: true,
    text: 'Where it is: "192.168.1.40:502", or a serial port such as "/dev/serial/by-id/usb-FTDI_..." (RTU).',
  },
  { key: 'unit', type: 'integer', default: 1, minimum: 0, maximum: 255, text: 'Its number on the line.' },
  ...serialRows,
  {
    key: 'period',
    type: 'duration',
    default: '10s',
    minimum: 100,
    maximum: 86_400_000,
    text: 'Time between readings.',
  },
  {
    key: 'timeout',
    type: 'duration',
    default: '1s',
    minimum: 10,
    maximum: 60_000,
    text: 'How long one answer may take.',
  },
  {
    key: 'word_order',
    type: 'string',
    choices: wordOrders,
    default: 'ABCD',
    text: 'How it orders the bytes of 32 and 64 bits.',
  },
  {
    key: 'max_gap',
    type: 'integer',
    default: 8,
    minimum: 0,
    maximum: 124,
    text: 'Registers between two points that are read for nothing to save a request.',
  },
  {
    key: 'max_registers',
    type: 'integer',
    default: 100,
    minimum: 1,
    maximum: 125,
    text: 'Registers that it hands out at once.',
  },
  {
    key: 'profile',
    type: 'string',
    default: '',
    text: `A device whose registers are known (${profileNames.join(', ')}), or the path of a JSON file with a list of points.`,
  },
  {
    key: 'point',
    type: 'tables',
    rows: pointSpecificationRows,
    text: 'A value that it holds, besides those of its profile.',
  },
] as const

export const modbusTable = adapterTable({
  name: 'modbus',
  isEnabled: false,
  text: 'Reads and writes registers of Modbus devices, over TCP or a serial line (RTU).',
  settings: [{ key: 'device', type: 'tables', rows: deviceRows, text: 'A Modbus device.' }, commanderRow],
  check: ({ devices }) =>
    devices.flatMap(({ address, baud, points, profile }, index) => {
      const at = (key: string) => `device[${index + 1}].${key}`
      const isPort = /^\/\S+$/.test(address)
      const port = /^(?:[\w.-]+|\[[\da-f:]+\]):(\d{1,5})$/i.exec(address)?.[1]
      const isPlace = isPort || (Number(port) > 0 && Number(port) <= 65_535)
      const speed = isPort ? speedFault(baud) : undefined
      const isKnown = profile === '' || /[/.]/.test(profile) || (profileNames as readonly string[]).includes(profile)
      return [
        ...(isPlace
          ? []
          : [{ key: at('address'), text: `${address}: must be HOST:PORT or the path of a serial port` }]),
        ...(speed === undefined ? [] : [{ key: at('baud'), text: speed }]),
        ...(isKnown ? [] : [{ key: at('profile'), text: `${profile}: there are ${profileNames.join(', ')}` }]),
        ...(points.length > 0 || profile !== ''
          ? []
          : [{ key: at('point'), text: 'there is no point and no profile: nothing would be read' }]),
        ...points.flatMap((point, number) => {
          const key = at(`point[${number + 1}].writable`)
          const isWritable =
            (point.table === 'holding' && point.type !== 'bit' && point.type !== 'string') || point.table === 'coil'
          const isBit = point.table === 'coil' || point.table === 'discrete'
          const last = point.register + (isBit ? 1 : registerCount(point.type, point.length)) - 1
          return [
            ...(point.writable && !isWritable
              ? [{ key, text: 'only coils and numbers in holding registers are written' }]
              : []),
            ...(last > 65_535
              ? [{ key: at(`point[${number + 1}].register`), text: 'it goes beyond the last register, 65535' }]
              : []),
          ]
        }),
      ]
    }),
})
