/** Update bundles: which are taken, which are refused with which sentence, and that a refused one leaves everything as it was. */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { writeBundle } from '../../../build/image/bundle-file.ts'
import { isOlder, openBundle, UpdateRefusal } from '../../../src/appliance/update/bundle.ts'
import { installBundle } from '../../../src/appliance/update/installation.ts'
import { type RunningSlot, readActiveSlot, readRunningSlot, writeSlotFile } from '../../../src/appliance/update/slot.ts'

const directory = mkdtempSync(join(tmpdir(), 'fieldgate-update-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const own = generateKeyPairSync('ed25519')
const foreign = generateKeyPairSync('ed25519')
const installed = { board: 'raspberry-pi-4b', version: '1.2.0' }
let number = 0

function make({
  version = '1.3.0',
  board = installed.board,
  keys = own,
  root = 'new root '.repeat(1000),
} = {}): string {
  const path = join(directory, `${number++}.update`)
  const parts = { root, vmlinuz: 'new kernel', 'initrd.img': 'new initial RAM disk' }
  writeBundle({
    path,
    manifest: { board, version },
    parts: Object.entries(parts).map(([name, content]) => {
      writeFileSync(join(directory, name), content)
      return { name, path: join(directory, name) }
    }),
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  })
  return path
}

/** A boot partition with both slots, and a partition for the other root. */
function makeMachine(roomBytes = 20_000): { readonly boot: string; readonly running: RunningSlot } {
  const boot = mkdtempSync(join(directory, 'boot-'))
  for (const slot of ['a', 'b']) mkdirSync(join(boot, slot))
  writeFileSync(join(boot, 'slot.env'), 'active=a\ntry=none\n')
  writeFileSync(join(boot, 'b/vmlinuz'), 'old kernel')
  const otherRoot = join(boot, 'root-b')
  writeFileSync(otherRoot, Buffer.alloc(roomBytes))
  return { boot, running: { slot: 'a', isTrial: false, otherRoot } }
}

async function install(path: string, { boot, running }: ReturnType<typeof makeMachine>): Promise<void> {
  const bundle = await openBundle(path, own.publicKey, installed)
  try {
    await installBundle(bundle, running, boot)
  } finally {
    await bundle.close()
  }
}

describe('an update', () => {
  it('fills the other slot, and asks for one trial of it', async () => {
    const machine = makeMachine()
    await install(make(), machine)
    assert.equal(readFileSync(join(machine.boot, 'slot.env'), 'utf8'), 'active=a\ntry=b\n')
    assert.equal(readFileSync(join(machine.boot, 'b/vmlinuz'), 'utf8'), 'new kernel')
    assert.ok(readFileSync(machine.running.otherRoot, 'utf8').startsWith('new root '.repeat(1000)))
  })

  it('of the same version is taken', async () => {
    await install(make({ version: '1.2.0' }), makeMachine())
  })

  const refused: readonly (readonly [what: string, path: () => string, sentence: RegExp])[] = [
    ['of a stranger', () => make({ keys: foreign }), /not signed by a key that this gateway trusts$/],
    [
      'for another board',
      () => make({ board: 'raspberry-pi-5' }),
      /for the board raspberry-pi-5, and this is raspberry-pi-4b$/,
    ],
    ['that is older', () => make({ version: '1.1.9' }), /version 1\.1\.9, which is older than 1\.2\.0$/],
    [
      'that is larger than its slot',
      () => make({ root: 'x'.repeat(30_000) }),
      /30000 bytes, and its slot has room for 20000$/,
    ],
    ['that is cut off', () => change(make(), (path) => truncateSync(path, 5000)), /is cut off: 5000 bytes of \d+$/],
    ['that is cut off in its head', () => change(make(), (path) => truncateSync(path, 40)), /is no update bundle$/],
    ['with a changed byte', () => flip(make(), 4000), /is damaged: root is not what was signed$/],
    ['with a changed manifest', () => flip(make(), 40), /not signed by a key that this gateway trusts$/],
    ['that is something else', () => change(make(), (path) => writeFileSync(path, 'PK')), /is no update bundle$/],
    ['that is not there', () => join(directory, 'absent'), /can't be read \(ENOENT\)$/],
  ]
  for (const [what, path, sentence] of refused) {
    it(`${what} is refused in one line, and nothing is touched`, async () => {
      const machine = makeMachine()
      await assert.rejects(install(path(), machine), (error: unknown) => {
        assert.ok(error instanceof UpdateRefusal, String(error))
        assert.match(error.message, sentence)
        return !error.message.includes('\n')
      })
      assert.equal(readFileSync(join(machine.boot, 'slot.env'), 'utf8'), 'active=a\ntry=none\n')
      assert.equal(readFileSync(join(machine.boot, 'b/vmlinuz'), 'utf8'), 'old kernel')
      assert.deepEqual(readFileSync(machine.running.otherRoot), Buffer.alloc(20_000))
    })
  }
})

function change(path: string, how: (path: string) => void): string {
  how(path)
  return path
}

function flip(path: string, at: number): string {
  const content = readFileSync(path)
  content[at] = (content[at] ?? 0) ^ 1
  writeFileSync(path, content)
  return path
}

describe('the running slot', () => {
  const line = 'root=PARTUUID=4647a001-02 ro fieldgate.slot=a fieldgate.trial=0'

  it('is on the command line of the kernel', () => {
    assert.deepEqual(readRunningSlot(line), {
      slot: 'a',
      isTrial: false,
      otherRoot: '/dev/disk/by-partuuid/4647a001-03',
    })
    assert.equal(readRunningSlot(line.replace('trial=0', 'trial=1'))?.isTrial, true)
    assert.equal(readRunningSlot('root=/dev/sda1 ro quiet'), undefined)
  })
})

describe('the active slot', () => {
  it('is what slot.env says, and a where it says nothing that can be read', async () => {
    const { boot } = makeMachine()
    assert.equal(await readActiveSlot(boot), 'a')
    await writeSlotFile(boot, 'b', 'none')
    assert.equal(await readActiveSlot(boot), 'b')
    assert.equal(await readActiveSlot(join(boot, 'absent')), 'a')
  })
})

describe('versions', () => {
  it('are compared by number', () => {
    assert.deepEqual(
      [isOlder('1.9.0', '1.10.0'), isOlder('1.10.0', '1.9.0'), isOlder('2.0', '2.0.0'), isOlder('1.0.0-rc1', '1.0.0')],
      [true, false, false, false],
    )
  })
})
