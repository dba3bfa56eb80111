/** What a log line looks like in each form, and how often the same warning comes. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLog, type LogOptions } from '../../src/appliance/log.ts'

class ManualClock {
  nowMs = 0
  readonly #calls: { readonly atMs: number; readonly call: () => void }[] = []

  monotonicMs(): number {
    return this.nowMs
  }

  wallMs(): number {
    return Date.UTC(2026, 0, 2, 3, 4, 5) + this.nowMs
  }

  after(delayMs: number, call: () => void) {
    this.#calls.push({ atMs: this.nowMs + delayMs, call })
    return { cancel: () => undefined }
  }

  advance(ms: number): void {
    this.nowMs += ms
    for (const { call } of this.#calls.splice(0).filter(({ atMs }) => atMs <= this.nowMs)) call()
  }
}

function open(options: Partial<LogOptions> = {}) {
  const lines: string[] = []
  const clock = new ManualClock()
  const log = createLog({ level: 'info', format: 'json', clock, write: (line) => lines.push(line), ...options })
  return { lines, clock, log }
}

describe('a log', () => {
  it('writes one JSON object a line, with errors and their causes', () => {
    const { lines, log } = open()
    const cause = Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    log.error('commit failed', { error: new Error('write', { cause }), count: 2 })
    const { error, ...event } = JSON.parse(lines[0] ?? '')
    assert.deepEqual(event, { time: '2026-01-02T03:04:05.000Z', level: 'error', message: 'commit failed', count: 2 })
    assert.equal(error.cause.code, 'ENOSPC')
    assert.match(error.stack, /log\.test\.ts/)
    assert.equal(lines[0]?.includes('\n'), false)
  })

  it('leaves out what is below its level', () => {
    const { lines, log } = open({ level: 'warn' })
    log.debug('a')
    log.info('b')
    log.warn('c')
    assert.equal(lines.length, 1)
  })

  it('puts the priority of syslog(3) before each line for the journal', () => {
    const { lines, log } = open({ level: 'debug', format: 'journal' })
    log.debug('a')
    log.info('b')
    log.warn('c')
    log.error('d')
    assert.deepEqual(
      lines.map((line) => line.slice(0, 4)),
      ['<7>{', '<6>{', '<4>{', '<3>{'],
    )
  })

  it('writes text for people: quotes what has spaces, leaves out what is undefined, colours only when told', () => {
    const fields = { topic: '/a/b', reason: 'too long', list: ['x', 1], nothing: undefined, error: new Error('gone') }
    const plain = open({ format: 'text' })
    plain.log.warn('client refused', fields)
    assert.deepEqual(plain.lines, [
      '03:04:05.000 WARN  client refused topic=/a/b reason="too long" list="[\\"x\\",1]" error=gone',
    ])
    const coloured = open({ format: 'text', isColoured: true })
    coloured.log.warn('client refused')
    assert.ok(coloured.lines[0]?.includes('\u001b[33mWARN'))
  })

  it('says the same warning once a minute, and then how often it came', () => {
    const { lines, clock, log } = open()
    for (let count = 0; count < 1000; count++) log.warn('queue full', { count })
    log.warn('another')
    assert.equal(lines.length, 2)
    clock.advance(60_000)
    assert.equal(lines.length, 3)
    const { message, repeated, count } = JSON.parse(lines[2] ?? '')
    assert.deepEqual({ message, repeated, count }, { message: 'queue full', repeated: 999, count: 999 })
    log.warn('queue full')
    assert.equal(lines.length, 4)
  })

  it('counts devices that fail one by one, and clients that misbehave together', () => {
    const { lines, log } = open()
    for (const part of ['a', 'b', 'a']) log.warn('device fails', { adapter: 'barn', part })
    assert.equal(lines.length, 2)
    for (const client of ['x', 'y', 'z']) log.warn('connection closed', { client })
    assert.equal(lines.length, 3)
  })
})
