/** What systemd is told, over which channel (sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3)). */

import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { findServiceManager } from '../../../src/appliance/systemd/service-manager.ts'

const directory = mkdtempSync(join(tmpdir(), 'fieldgate-notify-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const socket = { NOTIFY_SOCKET: '/run/systemd/notify' }

describe('the service manager', () => {
  it('is none where nobody wants to be told', () => {
    assert.equal(findServiceManager({}, 7), undefined)
  })

  it('is told over the descriptor that it opened under the name "notify"', async () => {
    const path = join(directory, 'channel')
    const descriptor = openSync(path, 'w')
    // sd_listen_fds(3): the first one passed on is number 3.
    const names = [...Array.from({ length: descriptor - 3 }, () => 'other'), 'notify'].join(':')
    findServiceManager({ ...socket, LISTEN_PID: '7', LISTEN_FDNAMES: names }, 7)?.tell('READY=1', 'STATUS=listens')
    while (readFileSync(path, 'utf8') === '') await new Promise((resolve) => setImmediate(resolve))
    assert.equal(readFileSync(path, 'utf8'), 'READY=1\nSTATUS=listens')
    closeSync(descriptor)
  })

  const periods: readonly (readonly [environment: Record<string, string>, watchdogMs: number | undefined])[] = [
    [{}, undefined],
    [{ WATCHDOG_USEC: '90000000' }, 90_000],
    [{ WATCHDOG_USEC: '90000000', WATCHDOG_PID: '7' }, 90_000],
    [{ WATCHDOG_USEC: '90000000', WATCHDOG_PID: '8' }, undefined],
    [{ WATCHDOG_USEC: '0' }, undefined],
    [{ WATCHDOG_USEC: 'soon' }, undefined],
  ]
  for (const [environment, watchdogMs] of periods) {
    it(`watches every ${watchdogMs} ms with ${JSON.stringify(environment)}`, () => {
      assert.equal(findServiceManager({ ...socket, ...environment }, 7)?.watchdogMs, watchdogMs)
    })
  }
})
