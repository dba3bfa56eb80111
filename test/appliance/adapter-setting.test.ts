import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adapters } from '../../src/adapters/index.ts'
import { readConfiguration } from '../../src/appliance/configuration.ts'

/** What is said about the lines after `[adapters.NAME]` and `enabled = true`, without file and line. */
function objections(name: string, lines: string): readonly string[] {
  const text = `[adapters.${name}]\nenabled = true\n${lines}`
  const { problems } = readConfiguration({ adapters, file: { name: 'f.toml', text } })
  return problems.map(({ message }) => message.replace(/^f\.toml(?::\d+)?: /, ''))
}

const meter = (rest: string) => `[[adapters.modbus.device]]\nname = "meter"\n${rest}`
const point = (rest: string) => meter(`address = "meter:502"\n[[adapters.modbus.device.point]]\nname = "p"\n${rest}`)
const rule = (topic: string, rest: string) => `[[adapters.mqtt-map.rule]]\ntopic = "${topic}"\n${rest}`
const port = (rest: string) => `[[adapters.serial-line.port]]\nname = "scale"\npath = "/dev/ttyUSB0"\n${rest}`

const cases: readonly (readonly [adapter: string, lines: string, objection: string])[] = [
  [
    'modbus',
    `${meter('address = "one:502"\nprofile = "xy-md02"\n')}${meter('address = "two:502"\nprofile = "xy-md02"')}`,
    'adapters.modbus.device[2].name: name meter is there already',
  ],
  [
    'modbus',
    point('register = 1\n[[adapters.modbus.device.point]]\nname = "p"\nregister = 2'),
    'adapters.modbus.device[1].point[2].name: name p is there already',
  ],
  [
    'modbus',
    point('register = 65535\ntype = "int32"'),
    'adapters.modbus.device[1].point[1].register: it goes beyond the last register, 65535',
  ],
  [
    'modbus',
    meter('address = "meter:99999"\nprofile = "xy-md02"'),
    'adapters.modbus.device[1].address: meter:99999: must be HOST:PORT or the path of a serial port',
  ],
  [
    'gpio',
    '[[adapters.gpio.line]]\nname = "a"\nline = 1\n[[adapters.gpio.line]]\nname = "b"\nline = 1',
    'adapters.gpio.line[2].line: gpiochip0 line 1 is there already',
  ],
  [
    'http-poll',
    '[[adapters.http-poll.source]]\nname = ""\nurl = "http://a"',
    'adapters.http-poll.source[1].name: must not be empty',
  ],
  [
    'http-poll',
    '[[adapters.http-poll.source]]\nname = "a"\nurl = "http://a"\nselect = "sensor/t"',
    'adapters.http-poll.source[1].select: sensor/t: must be a JSON pointer, such as "/sensor/t"',
  ],
  [
    'mqtt-map',
    rule('garden/{bed}/moisture', 'path = "{room}/moisture"'),
    'adapters.mqtt-map.rule[1].path: {room}/moisture: {room} is no level of the topic',
  ],
  [
    'mqtt-map',
    rule('garden/{bed}/{bed}', 'path = "moisture"'),
    'adapters.mqtt-map.rule[1].topic: garden/{bed}/{bed}: two levels have the same name',
  ],
  [
    'mqtt-map',
    rule('garden/pump', 'path = "pump"\ncommand_topic = "garden/+/set"'),
    'adapters.mqtt-map.rule[1].command_topic: garden/+/set: must be one topic, without + and #',
  ],
  [
    'mqtt-map',
    rule('garden/pump', 'path = "pump"\ncommand_topic = "/oneM2M/req/Cpump/mn-cse-1/json"'),
    'adapters.mqtt-map.rule[1].command_topic: /oneM2M/req/Cpump/mn-cse-1/json: commands do not go to topics of oneM2M and of the broker itself',
  ],
]

describe('settings of adapters that can not work', () => {
  for (const [adapter, lines, objection] of cases)
    it(`are refused by key: ${objection.split(':')[0]}`, () =>
      assert.deepEqual(objections(adapter, lines), [objection]))

  it('are refused with the speeds that a serial port has', () => {
    const [objection = '', ...others] = objections('serial-line', port('baud = 1234'))
    assert.match(objection, /^adapters\.serial-line\.port\[1\]\.baud: 1234: there are 50, 75, .* 9600, .* 4000000$/)
    assert.deepEqual(others, [])
    assert.deepEqual(objections('modbus', meter('address = "meter:502"\nprofile = "xy-md02"\nbaud = 1234')), [])
  })

  it('are told from those that can', () => {
    const mapped = rule(
      'garden/{bed}/+/state',
      'path = "{bed}/x"\nselect = "/a~1b"\ncommand_topic = "garden/{bed}/set"',
    )
    assert.deepEqual(objections('mqtt-map', mapped), [])
    assert.deepEqual(objections('modbus', point('register = 65534\ntype = "int32"')), [])
    assert.deepEqual(objections('serial-line', port('baud = 115200')), [])
  })
})
