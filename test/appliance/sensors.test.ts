/** What a person at a shell learns of sensors without a running gateway. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { runCommandLine } from '../../src/appliance/command-line.ts'
import { MachineTree } from '../adapters/machine-tree.ts'

const thermometer = {
  'sys/bus/w1/devices/28-0316a279f1ff/w1_slave':
    '4b 01 4b 46 7f ff 0c 10 d6 : crc=d6 YES\n4b 01 4b 46 7f ff 0c 10 d6 t=20687\n',
}

async function type(context: TestContext, toml: string, line: string) {
  const tree = new MachineTree(context, thermometer)
  const file = join(tree.root, 'fieldgate.toml')
  writeFileSync(file, toml.replaceAll('ROOT', tree.root))
  const printed: string[] = []
  const complaints: string[] = []
  const exitCode = await runCommandLine(`${line} --config ${file} --data-dir ${tree.root}`.split(' '), {
    environment: {},
    isTerminal: false,
    print: (text) => printed.push(text),
    complain: (text) => complaints.push(text),
    readInput: async () => '',
  })
  return { exitCode, printed: printed.join('\n'), complaints: complaints.join('\n') }
}

const w1 = '[adapters.w1]\nroot = "ROOT"\n'

describe('fieldgate sensors', () => {
  it('probe prints what is there and the lines that have it read', async (context) => {
    const { exitCode, printed } = await type(context, w1, 'sensors probe w1')
    assert.equal(exitCode, 0)
    assert.equal(printed, '# w1: 28-0316a279f1ff: temperature 20.687 Cel\n[adapters.w1]\nenabled = true\n')
  })

  it('read prints the readings of one adapter as they would be stored, enabled or not', async (context) => {
    const scaled = `${w1}[[adapters.w1.point]]\npath = "*"\nunit = "K"\noffset = 273.15\n`
    const { exitCode, printed } = await type(context, scaled, 'sensors read w1')
    assert.deepEqual([exitCode, printed], [0, '28-0316a279f1ff/temperature = 293.837 K'])
  })

  it('read says so when there is nothing to read', async (context) => {
    const elsewhere = '[adapters.w1]\nroot = "ROOT/elsewhere"\n'
    const { exitCode, printed } = await type(context, elsewhere, 'sensors read w1 --wait 0.05')
    assert.deepEqual([exitCode, printed], [0, 'w1: nothing to read here, within 0.05 s'])
  })

  it('read fails with what the adapter complains of', async (context) => {
    const gpio = '[adapters.gpio]\ntools = "ROOT"\n[[adapters.gpio.line]]\nname = "door"\nline = 17\n'
    const { exitCode, complaints } = await type(context, gpio, 'sensors read gpio')
    assert.equal(exitCode, 1)
    assert.match(complaints, /^gpio: .*gpiodetect is not installed$/)
  })

  const mistakes: readonly (readonly [line: string, complaint: RegExp])[] = [
    ['sensors prob', /did you mean probe\?/],
    ['sensors read', /name an adapter: system/],
    ['sensors read sytem', /no such adapter: sytem; did you mean system\?/],
    ['sensors read w1 --wait soon', /--wait soon: expected a number of seconds/],
    ['sensors list w1', /takes no operand/],
  ]
  for (const [line, complaint] of mistakes) {
    it(`explains: ${line}`, async (context) => {
      const { exitCode, complaints } = await type(context, w1, line)
      assert.equal(exitCode, 64)
      assert.match(complaints, complaint)
    })
  }

  it('refuses a configuration that is wrong', async (context) => {
    const { exitCode, complaints } = await type(context, '[[adapters.gpio.line]]\nname = "door"\n', 'sensors read gpio')
    assert.equal(exitCode, 78)
    assert.match(complaints, /fieldgate\.toml:1: adapters\.gpio\.line\[1\]\.line is missing: must be a whole number/)
  })
})
