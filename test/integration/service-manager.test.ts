/** A gateway under a service manager, which is a script in the place of systemd-notify: ready, alive, stopping. */

import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { startGateway } from './gateway-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'fieldgate-service-'))
after(() => rmSync(directory, { recursive: true, force: true }))

it('tells systemd that it is ready, that it has checked itself, and that it stops', { timeout: 20_000 }, async () => {
  const told = join(directory, 'told')
  const program = join(directory, 'systemd-notify')
  writeFileSync(program, `#!/bin/sh\necho "$@" >> ${told}\n`)
  writeFileSync(told, '')
  chmodSync(program, 0o755)
  const gateway = await startGateway({
    dataDirectory: directory,
    environment: {
      PATH: `${directory}:${process.env['PATH']}`,
      NOTIFY_SOCKET: '/run/systemd/notify',
      WATCHDOG_USEC: '300000',
      FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false',
      FIELDGATE_ADAPTERS_NODE_ENABLED: 'false',
    },
  })
  const lines = () => readFileSync(told, 'utf8').trim().split('\n')
  while (lines().length < 3) await new Promise((resolve) => setTimeout(resolve, 20))
  const [ready, alive] = lines()
  assert.equal(ready, `--no-block READY=1 STATUS=listens on ${gateway.mqtt}, ${gateway.http}`)
  assert.match(alive ?? '', /^--no-block WATCHDOG=1 STATUS=listens on .*; publishes, answers and keeps$/)
  assert.equal(await gateway.end('SIGTERM'), 0)
  assert.ok(lines().includes('--no-block STOPPING=1 STATUS=stopping'))
})
