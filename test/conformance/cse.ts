/**
 * What a CSE must do, as data: each case is a sequence of requests with what each must be answered and who must be notified. The same cases
 * run whichever way the requests come.
 *
 * In expected values, `"*"` is anything, `"~text"` any text that contains `text`, `"!"` must not be there, and `{"anyOrder": [...]}` a list in
 * any order; objects may have more members than are expected. `keep` remembers parts of a response (a path of members, by `/`), and
 * `${name}` stands for them, or for a part of the case, afterwards.
 */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Delivery } from '../../src/cse/handler.ts'
import type { CseSettings } from '../../src/cse/parts.ts'
import { contentObject, type Json, type JsonObject } from '../../src/onem2m/content.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../../src/onem2m/primitive.ts'
import type { Connect, Exchange } from '../cse/exchange.ts'
import { Kit } from '../cse/kit.ts'

type RequestData = Omit<Partial<RequestPrimitive>, 'operation'> & { readonly operation: keyof typeof Operation }

interface Step {
  /** Time that passes before the request. */
  readonly advanceMs?: number
  /** The gateway is stopped and started again before the request. */
  readonly restart?: boolean
  /** What targets of notifications answer from now on; 0 is that nobody can be reached. */
  readonly targetsAnswer?: number
  readonly request?: RequestData
  readonly status?: number
  readonly content?: Json
  /** Parameters of the response other than content. */
  readonly response?: JsonObject
  /** A part of the text that explains the refusal. */
  readonly reason?: string
  readonly keep?: Readonly<Record<string, string>>
  /** All notifications since they were last asked for, but for verification requests. */
  readonly notifications?: readonly Json[]
  /** All verification requests since they were last asked for. */
  readonly verifications?: readonly Json[]
}

interface Case {
  readonly title: string
  readonly clause: string
  readonly settings?: Partial<CseSettings>
  /** Names of preparations, made one after the other before the steps. */
  readonly given?: readonly string[]
  /** Ways that can't carry this case. */
  readonly except?: readonly string[]
  readonly steps: readonly Step[]
}

interface CaseFile {
  readonly subject: string
  readonly preparations?: Readonly<Record<string, readonly RequestData[]>>
  readonly cases: readonly Case[]
}

const folder = new URL('../cases/', import.meta.url)

const files = readdirSync(folder)
  .filter((name) => /^cse.*\.json$/.test(name))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as CaseFile)

const preparations = Object.assign({}, ...files.map((file) => file.preparations)) as NonNullable<
  CaseFile['preparations']
>

/** `way` is how a case calls the connection in `except`. */
export function testCse(way: string, connect: Connect): void {
  for (const { subject, cases } of files) {
    describe(`${way}: ${subject}`, () => {
      for (const one of cases) {
        if (one.except?.includes(way) === true) continue
        it(`${one.title} (${one.clause})`, () => new Run(one, connect).run())
      }
    })
  }
}

class Run {
  readonly #case: Case
  readonly #connect: Connect
  readonly #kept = new Map<string, Json>()
  #asked = 0

  constructor(one: Case, connect: Connect) {
    this.#case = one
    this.#connect = connect
  }

  async run(): Promise<void> {
    let kit = await Kit.start(this.#case.settings === undefined ? {} : { settings: this.#case.settings })
    const exchange = this.#connect({
      handle: (request, context, respond) => kit.cse.handle(request, context, respond),
    })
    for (const name of this.#case.given ?? []) {
      const requests = preparations[name]
      assert.ok(requests !== undefined, `there is no preparation ${name}`)
      for (const request of requests) {
        const { responseStatusCode, content } = await this.#ask(exchange, request)
        assert.ok(responseStatusCode < 3000, `preparation ${name}: ${responseStatusCode} ${JSON.stringify(content)}`)
      }
    }
    await kit.notifications()
    const seen = { notifications: kit.deliveries.length, verifications: kit.verifications.length }
    for (const [index, step] of this.#case.steps.entries()) {
      if (step.targetsAnswer !== undefined) kit.answerDelivery = answering(step.targetsAnswer)
      if (step.advanceMs !== undefined) {
        kit.clock.advance(step.advanceMs)
        await kit.notifications()
      }
      if (step.restart === true) {
        kit = await kit.restart()
        Object.assign(seen, { notifications: 0, verifications: 0 })
      }
      const place = `step ${index + 1}`
      if (step.request !== undefined) this.#check(step, await this.#ask(exchange, step.request), place)
      for (const kind of ['notifications', 'verifications'] as const) {
        const expected = step[kind]
        if (expected === undefined) continue
        await kit.notifications()
        const sent = kind === 'notifications' ? kit.deliveries : kit.verifications
        expectEqual(sent.slice(seen[kind]).map(shown), this.#filled(expected) as Json, `${place}: ${kind}`)
        seen[kind] = sent.length
      }
    }
  }

  #ask(exchange: Exchange, data: RequestData): Promise<ResponsePrimitive> {
    const { originator = 'Capp', ...rest } = {
      requestIdentifier: `r${this.#asked++}`,
      releaseVersionIndicator: '3',
      ...(this.#filled(data as unknown as Json) as unknown as {
        readonly to: string
        readonly originator?: string | null
      }),
      operation: Operation[data.operation],
    }
    // An originator of null is none.
    return exchange(originator === null ? rest : { originator, ...rest })
  }

  #check(step: Step, response: ResponsePrimitive, place: string): void {
    const content = response.content === undefined ? undefined : contentObject(response.content)
    if (step.status !== undefined)
      assert.equal(response.responseStatusCode, step.status, `${place}: ${JSON.stringify(content)}`)
    if (step.content !== undefined) expectEqual(content, this.#filled(step.content) as Json, `${place}: content`)
    if (step.reason !== undefined) expectEqual(content?.['m2m:dbg'], `~${step.reason}`, `${place}: reason`)
    if (step.response !== undefined) expectEqual(response as unknown as Json, step.response, `${place}: response`)
    for (const [name, path] of Object.entries(step.keep ?? {})) {
      const value = path
        .split('/')
        .reduce<Json | undefined>((at, member) => (at as JsonObject | undefined)?.[member], content)
      assert.ok(value !== undefined, `${place}: nothing at ${path} in ${JSON.stringify(content)}`)
      this.#kept.set(name, value)
    }
  }

  #filled(value: Json | readonly Json[]): Json {
    if (typeof value === 'string') return value.replaceAll(/\$\{(\w+)\}/g, (_, name) => String(this.#kept.get(name)))
    if (Array.isArray(value)) return value.map((item) => this.#filled(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([member, item]) => [member, this.#filled(item)]))
  }
}

function shown({ target, pointOfAccess, request }: Delivery): Json {
  return {
    target: target ?? pointOfAccess,
    pointOfAccess,
    content: request.content as JsonObject,
    ...(request.eventCategory === undefined ? {} : { eventCategory: request.eventCategory }),
  }
}

function answering(status: number): () => number {
  return () => {
    if (status === 0) throw new Error('unreachable')
    return status
  }
}

/** Throws where `found` is not what is expected, and says where. */
export function expectEqual(found: Json | undefined, expected: Json, place: string): void {
  const shown = JSON.stringify(found)
  if (expected === '!') assert.equal(found, undefined, place)
  else if (expected === '*') assert.notEqual(found, undefined, `${place}: nothing there`)
  else if (typeof expected === 'string' && expected.startsWith('~'))
    assert.ok(typeof found === 'string' && found.includes(expected.slice(1)), `${place}: ${shown} lacks ${expected}`)
  else if (Array.isArray(expected)) {
    assert.ok(Array.isArray(found), `${place}: ${shown} is no list`)
    assert.equal(found.length, expected.length, `${place}: ${shown}`)
    for (const [index, item] of expected.entries()) expectEqual(found[index], item, `${place}/${index}`)
  } else if (typeof expected === 'object' && expected !== null) {
    const { anyOrder } = expected as JsonObject
    if (Array.isArray(anyOrder)) {
      assert.ok(Array.isArray(found), `${place}: ${shown} is no list`)
      expectEqual(found.toSorted(byText), anyOrder.toSorted(byText), place)
      return
    }
    assert.ok(typeof found === 'object' && found !== null && !Array.isArray(found), `${place}: ${shown} is no object`)
    for (const [member, item] of Object.entries(expected))
      expectEqual((found as JsonObject)[member], item, `${place}/${member}`)
  } else assert.deepEqual(found, expected, place)
}

function byText(left: Json, right: Json): number {
  return JSON.stringify(left) < JSON.stringify(right) ? -1 : 1
}
