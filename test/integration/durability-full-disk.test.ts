/** A disk that fills up: refusals that say why, reads all the while, recovery without a restart, and memory as the disk has it. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { dump, Http, prepare } from '../soak/load.ts'
import { startGateway } from './gateway-process.ts'

const isRoot = process.getuid?.() === 0 && process.platform === 'linux'
const skip = isRoot ? false : 'only root can mount the small file system that is filled up'

/** A file system of its own, gone after the test. */
function mountSmall(t: TestContext, mebibytes: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'fieldgate-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=700`, 'fieldgate-test', directory])
  t.after(() => {
    execFileSync('umount', ['-l', directory])
    rmdirSync(directory)
  })
  return directory
}

/** Creates until `count` creates in a row were refused; returns how many were made and the reasons of the refusals. */
async function createUntilRefused(http: Http, count: number) {
  const reasons: string[] = []
  let created = 0
  while (reasons.length < count && created < 5000) {
    const answers = await Promise.all(
      // Random, because LevelDB compresses.
      Array.from({ length: 16 }, () =>
        http.create('onem2m/load/data', 4, { 'm2m:cin': { con: randomBytes(20_000).toString('base64') } }),
      ),
    )
    for (const { status, body } of answers) {
      if (status === 2001) created++
      else reasons.push(`${status} ${body['m2m:dbg']}`)
    }
  }
  return { created, reasons }
}

async function untilAccepted(create: () => Promise<{ readonly status: number }>): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  for (;;) {
    const { status } = await create()
    if (status === 2001) return
    assert.ok(performance.now() < deadlineMs, 'writes are accepted again within ten seconds')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Another program takes what is left, to the last byte. */
function fillUp(path: string): void {
  try {
    for (;;) appendFileSync(path, Buffer.alloc(4096))
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  }
}

describe('a full disk', { skip, concurrency: 2 }, () => {
  const makeRoom = async (_http: Http, hog: string) => rmSync(hog)
  const cases = [
    { title: 'that the gateway fills refuses writes at the reserve', fill: () => {}, makeRoom },
    { title: 'that another program fills to the last byte makes LevelDB itself fail', fill: fillUp, makeRoom },
    {
      title: 'that the gateway fills still takes deletions',
      fill: () => {},
      makeRoom: async (http: Http) => {
        assert.equal((await http.delete('onem2m/load/data')).status, 2002)
        await untilAccepted(() => http.create('onem2m/load', 3, { 'm2m:cnt': { rn: 'data' } }))
      },
    },
  ]
  for (const { title, fill, makeRoom } of cases)
    it(`${title}, and all is well again when there is room`, async (t) => {
      const dataDirectory = mountSmall(t, 20)
      const hog = join(dataDirectory, 'hog')
      writeFileSync(hog, Buffer.alloc(5 * 1_048_576))
      const options = {
        dataDirectory,
        workingDirectory: tmpdir(),
        environment: {
          FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false',
          FIELDGATE_ADAPTERS_NODE_ENABLED: 'false',
          // Room for what LevelDB compacts in one go: twelve write buffers, and the files of 2 MiB that they overlap.
          FIELDGATE_STORE_RESERVE_SIZE: '6MiB',
          FIELDGATE_STORE_WRITE_BUFFER_SIZE: '256KiB',
        },
      }
      const first = await startGateway(options)
      t.after(() => first.process.kill('SIGKILL'))
      const http = new Http(first.http)
      t.after(() => http.close())
      await prepare(first)
      fill(hog)

      const { created, reasons } = await createUntilRefused(http, 64)
      assert.ok(reasons.length >= 64, `${created} creates and no refusal`)
      for (const reason of reasons) assert.equal(reason, '5000 not stored: the disk of this gateway is full')
      const { body } = await http.get('onem2m/load/data')
      assert.equal((body['m2m:cnt'] as { readonly cni: number }).cni, created, 'what was refused is not counted')
      assert.equal((await http.get('onem2m/load/data/la')).status, created > 0 ? 2000 : 4004)

      await makeRoom(http, hog)
      await untilAccepted(() => http.create('onem2m/load/data', 4, { 'm2m:cin': { con: 'there is room' } }))
      const inMemory = await dump(first)
      assert.ok(inMemory.size > 2)
      assert.equal(await first.end('SIGTERM'), 0)

      const second = await startGateway(options)
      t.after(() => second.process.kill('SIGKILL'))
      assert.deepEqual(await dump(second), inMemory)
    })
})
