/** The package for applications, packed and installed elsewhere: the programs of the documentation run as they are pasted, on Node 20 where there is one. */

import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { makeClientPackage } from '../../build/client-package.ts'
import { root } from '../house/source.ts'
import { type GatewayProcess, startGateway } from './gateway-process.ts'

/** The machine's own Node, when it is an older one that the package is for. */
function olderNode(): string {
  const path = (process.env['PATH'] ?? '').split(':').filter((each) => !each.includes('node_modules'))
  const found = spawnSync('node', ['-p', 'process.execPath + " " + process.versions.node'], {
    env: { ...process.env, PATH: path.join(':') },
    encoding: 'utf8',
  })
  const [file, version = ''] = found.stdout?.trim().split(' ') ?? []
  return file !== undefined && Number(version.split('.')[0]) >= 20 ? file : process.execPath
}

/** The first JavaScript of a document's section. */
function programIn(file: string, section: string): string {
  const text = readFileSync(join(root, file), 'utf8')
  const program = /```js\n([^`]*)```/.exec(text.slice(text.indexOf(`\n## ${section}`)))?.[1]
  assert.ok(program, `${file}: ${section}`)
  return program
}

describe('the package for applications', { timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'fieldgate-package-'))
  const node = olderNode()
  let gateway: GatewayProcess

  before(async () => {
    makeClientPackage(join(directory, 'client'))
    // npm of the Node that runs the tests; nothing is fetched.
    const npm = (...words: string[]) =>
      execFileSync('npm', [...words, '--offline', '--silent', '--no-audit', '--no-fund'], {
        cwd: directory,
        encoding: 'utf8',
        env: { ...process.env, npm_config_cache: join(directory, 'cache') },
      })
    const tarball = npm('pack', './client').trim().split('\n').at(-1) ?? ''
    writeFileSync(join(directory, 'package.json'), '{ "private": true }')
    npm('install', `./${tarball}`)
    gateway = await startGateway({ dataDirectory: mkdtempSync(join(directory, 'data-')) })
  })

  after(async () => {
    await gateway.end('SIGTERM')
    rmSync(directory, { recursive: true, force: true })
  })

  const paste = (program: string, url = `mqtt://${gateway.mqtt}`) => {
    const file = join(directory, 'pasted.mjs')
    writeFileSync(file, program.replace('mqtt://localhost', url))
    return spawn(node, [file], { cwd: dirname(file), stdio: ['ignore', 'pipe', 'inherit'] })
  }

  it('runs the application of README', async () => {
    const child = paste(programIn('README.md', 'For AE developers'))
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    assert.match(line, /^heard \{ celsius: 20\.\d+ \}$/)
    const exited = once(child, 'exit')
    child.kill('SIGINT')
    assert.deepEqual(await exited, [0, null])
  })

  it('runs the request of docs/client.md, also over HTTP', async () => {
    const program = programIn('docs/client.md', 'Where the CSE is')
    for (const url of [`mqtt://${gateway.mqtt}`, `http://${gateway.http}`]) {
      const child = paste(program, url)
      let text = ''
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      assert.deepEqual(await once(child, 'close'), [0, null])
      assert.match(text, /'m2m:cb': \{/)
    }
  })

  it('has types that TypeScript checks a program against', () => {
    writeFileSync(
      join(directory, 'typed.mts'),
      "import { Application, type Notification, OneM2MMQTTClient } from 'fieldgate'\n" +
        "export const app: Application = new Application({ name: 'A', url: 'http://localhost' })\n" +
        "export const read = ({ content }: Notification): unknown => content['m2m:cin']\n" +
        "// @ts-expect-error: an originator is text.\nexport const client = new OneM2MMQTTClient('mqtt://localhost', { originator: 1 })\n",
    )
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
    const checked = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/typescript/bin/tsc'),
        ...['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', ...types, 'typed.mts'],
      ],
      { cwd: directory, encoding: 'utf8' },
    )
    assert.equal(checked.stdout, '')
    assert.equal(checked.status, 0)
  })
})
