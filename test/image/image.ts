/**
 * The life of an image in an emulated board, from the first start over a power cut to an update and one that fails: `npm run test:image`.
 * Takes about twenty minutes, most of them the emulated processor's. Needs what `npm run image` needs, and qemu-system-arm, u-boot-qemu,
 * and ssh. Prints what happened when.
 */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectAsync, type MqttClient } from 'mqtt'
import { explain } from '../../build/script.ts'
import { Machine } from './machine.ts'

explain(`npm run test:image

Makes an image and two updates and leads it through a life in QEMU: first start, power cut under load, an update, an update that does not work. Needs
what npm run image needs, and qemu-system-arm u-boot-qemu openssh-client; takes some 13 minutes.`)

const root = fileURLToPath(new URL('../..', import.meta.url))
const profile = 'generic-arm64'
const work = mkdtempSync(join(tmpdir(), 'fieldgate-image-test-'))
const disk = join(work, 'disk.img')
const sshKey = join(work, 'key')
const startedMs = performance.now()

function note(text: string): void {
  console.log(`${String(Math.round((performance.now() - startedMs) / 1000)).padStart(5)} s  ${text}`)
}

function build(version: string, ...options: readonly string[]): string {
  const words = [`${root}build/image/image.ts`, '--profile', profile, '--version', version, ...options]
  execFileSync(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] })
  return `${root}dist/fieldgate-${version}-${profile}`
}

/** Puts a file on the boot partition, as a person does with the card in another computer. */
function putOnBootPartition(name: string, text: string): void {
  const path = join(work, name)
  writeFileSync(path, text)
  execFileSync('mcopy', ['-o', '-i', `${disk}@@4M`, path, `::${name}`])
}

/** A bundle that says false things about itself, from one that is right. */
function spoil(bundle: string, name: string, change: (content: Buffer) => Buffer): void {
  writeFileSync(join(work, 'updates', name), change(readFileSync(bundle)))
}

function prepare(): Machine {
  const image = build('0.1.0')
  const good = build('0.1.1', '--bundle-only')
  const broken = build('0.1.2', '--bundle-only', '--broken')
  note('image and two updates are built')
  execFileSync('cp', ['--sparse=always', `${image}.img`, disk])
  execFileSync('truncate', ['--size=3G', disk])
  mkdirSync(join(work, 'updates'))
  cpSync(`${good}.update`, join(work, 'updates/good.update'))
  cpSync(`${broken}.update`, join(work, 'updates/broken.update'))
  spoil(`${good}.update`, 'cut-off.update', (content) => content.subarray(0, 100_000_000))
  spoil(`${good}.update`, 'forged.update', (content) => {
    content.write('0.9.9', content.indexOf('0.1.1'))
    return content
  })
  const updates = join(work, 'updates.squashfs')
  execFileSync('mksquashfs', [join(work, 'updates'), updates, '-noD', '-noF', '-quiet', '-no-progress'])
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', sshKey])
  const publicKey = readFileSync(`${sshKey}.pub`, 'utf8').trim()
  putOnBootPartition('board.toml', `hostname = "barn-7"\n[ssh]\nkeys = ["${publicKey}"]\n`)
  putOnBootPartition('fieldgate.toml', '[mqtt]\nlisten = ["0.0.0.0:1883"]\n[security]\nallow_anonymous = true\n')
  return new Machine({ disk, updates, sshKey, serialLog: join(tmpdir(), 'fieldgate-image-test-serial.log') })
}

/** A client that sends requests, and counts which were answered with 2001 and 2000. */
async function connect(machine: Machine): Promise<{ client: MqttClient; ask(request: object): Promise<number> }> {
  const client = await connectAsync(machine.mqttUrl, { reconnectPeriod: 0, connectTimeout: 60_000 })
  const waiting = new Map<string, (status: number) => void>()
  client.on('message', (_, payload) => {
    const { rqi, rsc } = JSON.parse(payload.toString()) as { readonly rqi: string; readonly rsc: number }
    waiting.get(rqi)?.(rsc)
    waiting.delete(rqi)
  })
  await client.subscribeAsync('/oneM2M/resp/Cload/+/json', { qos: 1 })
  let number = 0
  const ask = (request: object): Promise<number> =>
    new Promise((resolve) => {
      const rqi = `r${number++}`
      waiting.set(rqi, resolve)
      client.publish('/oneM2M/req/Cload/mn-cse-1/json', JSON.stringify({ fr: 'Cload', rvi: '3', rqi, ...request }), {
        qos: 1,
      })
    })
  return { client, ask }
}

/** Creates instances until the plug is pulled; the names of those that were acknowledged. */
async function loadUntilPowerCut(machine: Machine): Promise<readonly string[]> {
  const { client, ask } = await connect(machine)
  client.on('error', () => undefined)
  const ae = { rn: 'load', api: 'Nload', rr: true, srv: ['3'] }
  assert.equal(await ask({ op: 1, to: 'onem2m', ty: 2, pc: { 'm2m:ae': ae } }), 2001)
  assert.equal(await ask({ op: 1, to: 'onem2m/load', ty: 3, pc: { 'm2m:cnt': { rn: 'c', mni: 1_000_000 } } }), 2001)
  const acknowledged: string[] = []
  let isOver = false
  for (let writer = 0; writer < 16; writer++)
    void (async () => {
      for (let i = 0; !isOver; i++) {
        const rn = `i${writer}-${i}`
        const status = await ask({ op: 1, to: 'onem2m/load/c', ty: 4, pc: { 'm2m:cin': { rn, con: 'x'.repeat(64) } } })
        if (status === 2001) acknowledged.push(rn)
      }
    })()
  await pause(15_000)
  await machine.kill()
  isOver = true
  client.end(true)
  return acknowledged
}

async function countMissing(machine: Machine, names: readonly string[]): Promise<number> {
  const { client, ask } = await connect(machine)
  let missing = 0
  for (let at = 0; at < names.length; at += 16) {
    const some = names.slice(at, at + 16).map((name) => ask({ op: 2, to: `onem2m/load/c/${name}` }))
    missing += (await Promise.all(some)).filter((status) => status !== 2000).length
  }
  await client.endAsync()
  return missing
}

const ready = ['systemctl is-active fieldgate', /^active$/] as const
const update = (name: string, words = '') =>
  `mkdir -p /tmp/u; mount -o ro /dev/vdb /tmp/u; fieldgate update /tmp/u/${name}.update ${words}; umount /tmp/u`

async function live(machine: Machine): Promise<void> {
  await machine.start()
  await machine.until(...ready)
  note(`first start: ${machine.run('systemctl status fieldgate | grep Status')}`)
  assert.equal(machine.run('hostname'), 'barn-7')
  const mebibytes = Number(machine.run('df -m --output=size /data | tail -n 1'))
  assert.ok(mebibytes > 1000, `${mebibytes} MiB`)
  note(`the data partition has grown to ${mebibytes} MiB`)
  note(`the system says it is ${machine.run('systemctl is-system-running || systemctl --failed --no-legend')}`)
  note(
    `memory of the unit: ${machine.run('systemctl show -P MemoryCurrent fieldgate')} bytes; ${machine.run('systemd-analyze | head -n 1')}`,
  )

  const acknowledged = await loadUntilPowerCut(machine)
  note(`the plug is pulled after ${acknowledged.length} acknowledged instances`)
  putOnBootPartition('board.toml', 'hostname = barn\n')
  await machine.start()
  await machine.until(...ready)
  assert.equal(await countMissing(machine, acknowledged), 0)
  note('second start: none of them is missing')
  assert.match(
    machine.run('journalctl -o cat -u fieldgate-board'),
    /board\.toml is refused: line 1 is not TOML\. What was set before stays\./,
  )
  assert.equal(machine.run('hostname'), 'barn-7')
  note('a board.toml that is no TOML is refused; the one before it holds')

  for (const name of ['cut-off', 'forged'])
    note(`update ${name}: ${machine.run(`${update(name)}; cat /boot/firmware/slot.env | tr '\\n' ' '`)}`)
  note(`update good: ${machine.run(update('good', '--reboot'))}`)
  await machine.until('cat /proc/cmdline /boot/firmware/slot.env', /slot=b fieldgate\.trial=1[\s\S]*active=b\ntry=none/)
  assert.equal(await countMissing(machine, acknowledged.slice(-50)), 0)
  note(`slot b runs and is confirmed: ${machine.run('cat /usr/lib/fieldgate/system.json')}; the data is there`)

  note(`update broken: ${machine.run(update('broken', '--reboot'))}`)
  await machine.until('cat /proc/cmdline /boot/firmware/slot.env', /slot=a fieldgate\.trial=1/)
  note('slot a is tried, and its gateway does not become ready')
  await machine.until(
    'cat /proc/cmdline /boot/firmware/slot.env',
    /slot=b fieldgate\.trial=0[\s\S]*active=b\ntry=none/,
    900,
  )
  await machine.until(...ready)
  assert.equal(await countMissing(machine, acknowledged.slice(-50)), 0)
  note('slot b runs again; the data is there')
}

const machine = prepare()
try {
  await live(machine)
  note('passed')
} finally {
  await machine.kill()
  rmSync(work, { recursive: true, force: true })
}
