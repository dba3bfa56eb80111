/** What a person at a shell types, reads and gets as an exit code, short of a running gateway. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { runCommandLine } from '../../src/appliance/command-line.ts'
import { commands } from '../../src/appliance/command-list.ts'

const directory = mkdtempSync(join(tmpdir(), 'fieldgate-command-'))
after(() => rmSync(directory, { recursive: true }))

async function type(line: string, environment: Readonly<Record<string, string>> = {}) {
  const printed: string[] = []
  const complaints: string[] = []
  const exitCode = await runCommandLine(line.split(' ').filter(Boolean), {
    environment,
    isTerminal: false,
    print: (text) => printed.push(text),
    complain: (text) => complaints.push(text),
    readInput: async () => '',
  })
  return { exitCode, printed: printed.join('\n'), complaints: complaints.join('\n') }
}

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

describe('the command line', () => {
  it('explains every command, with its options and an example that it would take', async () => {
    const overview = await type('--help')
    assert.equal(overview.exitCode, 0)
    for (const { name, options, examples } of commands) {
      const { exitCode, printed } = await type(`${name} --help`)
      assert.equal(exitCode, 0)
      assert.ok(overview.printed.includes(`  ${name} `), name)
      for (const option of Object.keys(options)) assert.ok(printed.includes(`--${option}`), `${name} --${option}`)
      assert.ok(examples.length > 0 && examples.every((example) => printed.includes(example)), name)
    }
    assert.deepEqual(await type(''), overview)
    assert.deepEqual(await type('help'), overview)
  })

  it('explains in lines that a terminal has room for', async () => {
    for (const line of ['--help', ...commands.map(({ name }) => `${name} --help`)])
      for (const text of (await type(line)).printed.split('\n'))
        assert.ok(text.length <= 80 || commands.some(({ examples }) => examples.includes(text.trim())), text)
  })

  it('prints nothing of a configuration of OpenMTC that would be refused', async () => {
    const plugin = { name: 'MQTTTransportPlugin', package: 'p', config: { interface: 'localhost', port: 'many' } }
    const path = file('config.json', JSON.stringify({ plugins: { openmtc_cse: [plugin] } }))
    const { exitCode, printed, complaints } = await type(`import-openmtc ${path}`)
    assert.deepEqual([exitCode, printed], [78, ''])
    assert.match(complaints, /config\.json: MQTTTransportPlugin\.interface: mqtt\.listen = \["localhost:many"\]/)
  })

  for (const line of ['account list', 'cert list', 'backup x', 'restore x --yes', 'factory-reset --yes', 'provision'])
    it(`says in one sentence that the directory of the state is a file: ${line}`, async () => {
      const path = file('state', 'not a directory')
      const { exitCode, printed, complaints } = await type(`${line} --data-dir ${path}`)
      assert.deepEqual([exitCode, printed], [1, ''])
      assert.equal(
        complaints,
        `fieldgate: ${path} is a file, and a directory is expected: name another with --data-dir.`,
      )
    })

  it('says in one sentence what the system says of a file', async () => {
    const state = mkdtempSync(join(directory, 'state-'))
    const out = join(directory, 'absent')
    const { exitCode, complaints } = await type(`cert ae //openmtc.org/mn-cse-1/Cx --data-dir ${state} --out ${out}`)
    assert.equal(exitCode, 1)
    assert.match(complaints, /^fieldgate: \S*absent: there is no such file or directory\.$/)
    assert.equal((await type(`cert list --data-dir ${state}`)).printed, '')
  })

  it('leaves a system alone that was not started from an image', async () => {
    for (const line of ['apply-boot-files', 'update x'])
      assert.deepEqual(await type(line).then(({ exitCode, complaints }) => [exitCode, complaints.split(';')[0]]), [
        69,
        'fieldgate: this system was not started from an image',
      ])
  })

  it('lists every key of the configuration', async () => {
    const { printed } = await type('help configuration')
    assert.match(printed, /^mqtt\.listen = \["localhost:1883"\]$/m)
    assert.match(printed, /FIELDGATE_STORE_DURABILITY/)
  })

  it('tells its version', async () => {
    assert.match((await type('--version')).printed, /^fieldgate \d+\.\d+\.\d+ \(Node 24\./)
    assert.deepEqual(await type('version'), await type('-V'))
  })

  const mistakes: readonly (readonly [line: string, complaint: string])[] = [
    ['gatway', 'fieldgate: no such command: gatway; did you mean gateway? See fieldgate --help.'],
    ['frobnicate', 'fieldgate: no such command: frobnicate. See fieldgate --help.'],
    ['get', 'fieldgate: write: fieldgate get PATH'],
    ['get a b', 'fieldgate: write: fieldgate get PATH'],
    [
      'get a --orignator CAE',
      'fieldgate: get has no option --orignator; did you mean --originator? See fieldgate get --help.',
    ],
    ['get a --url localhost:8000', 'fieldgate: localhost:8000'],
    ['create onem2m contaner', 'fieldgate: no such resource type: contaner; did you mean container?'],
    ['create onem2m container mnni=3', 'fieldgate: a container has no attribute mnni; did you mean mni?'],
    ['create onem2m container mni=many', 'fieldgate: mni: got "many", expected a non-negative integer'],
    ['create onem2m container rn', 'fieldgate: got rn, expected NAME=VALUE such as lbl=indoor'],
    ['create onem2m container {', 'fieldgate: not JSON: '],
    ['create onem2m container {} a=b', 'fieldgate: give either JSON or NAME=VALUE, not both'],
    ['discover --limit 0', 'fieldgate: --limit 0: expected a number, 1 or more'],
    ['help gatway', 'fieldgate: no such command: gatway; did you mean gateway? See fieldgate --help.'],
  ]
  for (const [line, complaint] of mistakes) {
    it(`answers a mistake with one sentence and 64: ${line}`, async () => {
      const { exitCode, printed, complaints } = await type(line)
      assert.deepEqual([exitCode, printed], [64, ''])
      assert.equal(complaints.slice(0, complaint.length), complaint)
      assert.equal(complaints.includes('\n'), false)
    })
  }
})

describe('check-config', () => {
  it('says what a good file sets, and where', async () => {
    const path = file('good.toml', '[mqtt]\nmax_connections = 50\n')
    const { exitCode, printed } = await type(`check-config ${path}`, { FIELDGATE_LOG_LEVEL: 'debug' })
    assert.equal(exitCode, 0)
    const [head, ...lines] = printed.split('\n')
    assert.match(head ?? '', /good\.toml: good; 2 of \d+ keys are set, the others have their defaults\.$/)
    assert.deepEqual(lines, [
      `  mqtt.max_connections = 50    (${path}:2)`,
      '  log.level = "debug"    (FIELDGATE_LOG_LEVEL)',
    ])
    const all = await type(`check-config --all --config ${path}`)
    assert.match(all.printed, /^ {2}http\.listen = \["localhost:8000"\]$/m)
  })

  it('says all that is wrong by line, and exits with 78', async () => {
    const path = file('bad.toml', '[mqtt]\nlisten = [1883]\n\n[store]\ndurability = "none"\n')
    const { exitCode, printed, complaints } = await type(`check-config ${path}`)
    assert.deepEqual([exitCode, printed], [78, ''])
    assert.deepEqual(complaints.split('\n'), [
      `${path}:2: mqtt.listen = [1883]: must be a list of HOST:PORT, such as "localhost:1883" or "[::1]:1883"`,
      `${path}:5: store.durability = "none": must be "power-cut" or "process"`,
      '2 problems; nothing was started or changed.',
    ])
  })

  it('says when a file that was asked for is not there, and exits with 78', async () => {
    const path = join(directory, 'absent.toml')
    const { exitCode, complaints } = await type(`check-config --config ${path}`)
    assert.deepEqual(
      [exitCode, complaints],
      [78, `fieldgate: ${path}: there is no such file; name another with --config FILE`],
    )
  })
})
