import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { StoreError } from '../../src/store/store.ts'
import { Kit } from './kit.ts'
import '../property.ts'

interface ContainerModel {
  readonly labels: readonly string[]
  readonly limit: number | undefined
  readonly stateTag: number
  /** Names and contents, oldest first; instances without a chosen name have none. */
  readonly instances: readonly (readonly [name: string | undefined, content: string])[]
}

type State = ReadonlyMap<string, ContainerModel>

/** What a request does to the state: its status, and the new state when it changes something. */
type Effect = readonly [status: number, next?: State]

type Action =
  | { readonly act: 'make'; readonly container: string; readonly limit: number | undefined }
  | { readonly act: 'push'; readonly container: string; readonly name: string | undefined; readonly content: string }
  | { readonly act: 'label'; readonly container: string; readonly label: string }
  | { readonly act: 'limit'; readonly container: string; readonly limit: number }
  | { readonly act: 'drop'; readonly container: string }
  | { readonly act: 'dropInstance'; readonly container: string; readonly which: string }

const names = ['a', 'b', 'c']
const container = fc.constantFrom(...names)
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('push'),
      container,
      name: fc.option(fc.constantFrom('x', 'y', 'cin-A'), { nil: undefined }),
      content: fc.stringMatching(/^[a-zä]{0,4}$/),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('make'), container, limit: fc.option(fc.nat(4), { nil: undefined }) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('label'), container, label: fc.constantFrom('l1', 'l2') }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('limit'), container, limit: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('drop'), container }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('dropInstance'), container, which: fc.constantFrom('la', 'ol', 'x', 'y') }),
  },
) as fc.Arbitrary<Action>

/** Requests that are under way together, in one commit group or two, and what becomes of these. */
const round = fc.record({
  first: fc.array(action, { maxLength: 6 }),
  second: fc.array(action, { maxLength: 4 }),
  outcome: fc.constantFrom('stored', 'stored', 'lost', 'restart'),
})

function changed(state: State, name: string, change: Partial<ContainerModel>): State {
  const before = state.get(name) as ContainerModel
  return new Map(state).set(name, { ...before, ...change })
}

function trimmed(instances: ContainerModel['instances'], limit: number | undefined): ContainerModel['instances'] {
  return limit === undefined ? instances : instances.slice(Math.max(0, instances.length - limit))
}

function effect(state: State, asked: Action): Effect {
  const model = state.get(asked.container)
  if (asked.act === 'make') {
    if (model !== undefined) return [4105]
    const { limit } = asked
    return [2001, new Map(state).set(asked.container, { labels: [], limit, stateTag: 0, instances: [] })]
  }
  if (model === undefined) return [4004]
  const { instances, limit } = model
  const stateTag = model.stateTag + 1
  switch (asked.act) {
    case 'push': {
      if (asked.name !== undefined && instances.some(([name]) => name === asked.name)) return [4105]
      const more = [...instances, [asked.name, asked.content] as const]
      return [2001, changed(state, asked.container, { instances: trimmed(more, limit), stateTag })]
    }
    case 'label':
      return [2004, changed(state, asked.container, { labels: [asked.label], stateTag })]
    case 'limit':
      return [
        2004,
        changed(state, asked.container, { limit: asked.limit, instances: trimmed(instances, asked.limit), stateTag }),
      ]
    case 'drop': {
      const rest = new Map(state)
      rest.delete(asked.container)
      return [2002, rest]
    }
    case 'dropInstance': {
      const index =
        asked.which === 'la'
          ? instances.length - 1
          : asked.which === 'ol'
            ? 0
            : instances.findIndex(([name]) => name === asked.which)
      if (index < 0 || index >= instances.length) return [4004]
      return [2002, changed(state, asked.container, { instances: instances.toSpliced(index, 1) })]
    }
  }
}

async function perform(kit: Kit, asked: Action): Promise<number> {
  const address = `onem2m/app/${asked.container}`
  switch (asked.act) {
    case 'make': {
      const mni = asked.limit === undefined ? {} : { mni: asked.limit }
      return (await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: asked.container, ...mni } })).status
    }
    case 'push': {
      const rn = asked.name === undefined ? {} : { rn: asked.name }
      return (await kit.create(address, 4, { 'm2m:cin': { ...rn, con: asked.content } })).status
    }
    case 'label':
      return (await kit.update(address, { 'm2m:cnt': { lbl: [asked.label] } })).status
    case 'limit':
      return (await kit.update(address, { 'm2m:cnt': { mni: asked.limit } })).status
    case 'drop':
      return (await kit.delete(address)).status
    case 'dropInstance':
      return (await kit.delete(`${address}/${asked.which}`)).status
  }
}

interface Seen {
  readonly rn: string
  readonly lbl?: readonly string[]
  readonly mni?: number
  readonly st: number
  readonly cni: number
  readonly cbs: number
  readonly 'm2m:cin'?: readonly { readonly rn: string; readonly con: string }[]
}

/** What requests show must be what the model says. */
async function compare(kit: Kit, state: State): Promise<void> {
  const { content } = await kit.retrieve('onem2m/app', { resultContent: 4 })
  const seen = ((content?.['m2m:ae'] as JsonObject | undefined)?.['m2m:cnt'] ?? []) as unknown as readonly Seen[]
  assert.deepEqual(seen.map(({ rn }) => rn).toSorted(), [...state.keys()].toSorted())
  for (const each of seen) {
    const { labels, limit, stateTag, instances } = state.get(each.rn) as ContainerModel
    const bytes = instances.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0)
    assert.deepEqual(
      [each.lbl ?? [], each.mni, each.st, each.cni, each.cbs],
      [labels, limit, stateTag, instances.length, bytes],
    )
    const shown = each['m2m:cin'] ?? []
    assert.deepEqual(
      shown.map(({ con }) => con),
      instances.map(([, text]) => text),
    )
    for (const [index, [name]] of instances.entries()) if (name !== undefined) assert.equal(shown[index]?.rn, name)
    assert.equal(new Set(shown.map(({ rn }) => rn)).size, shown.length)
    const ends = await Promise.all(['ol', 'la'].map((end) => kit.retrieve(`onem2m/app/${each.rn}/${end}`)))
    assert.deepEqual(
      ends.map((answer) => (answer.content?.['m2m:cin'] as { con?: string } | undefined)?.con),
      [instances[0]?.[1], instances.at(-1)?.[1]],
    )
  }
}

test('any history of concurrent requests, lost groups and restarts shows what a simple model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { maxLength: 6 }), async (rounds) => {
      let kit = await Kit.start()
      await kit.create('onem2m', 2, { 'm2m:ae': { rn: 'app', api: 'Napp', rr: true, srv: ['3'] } })
      let state: State = new Map()
      for (const { first, second, outcome } of rounds) {
        let after = state
        const expected = [...first, ...second].map((asked) => {
          const [status, next] = effect(after, asked)
          after = next ?? after
          return { status, isChange: next !== undefined }
        })
        const isLost = outcome === 'lost' && expected.some(({ isChange }) => isChange)
        if (isLost) kit.store.failNext(new StoreError('io', 'lost'))
        kit.store.hold()
        const answers = first.map((asked) => perform(kit, asked))
        for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
        answers.push(...second.map((asked) => perform(kit, asked)))
        kit.store.release()
        assert.deepEqual(
          await Promise.all(answers),
          expected.map(({ status, isChange }) => (isLost && isChange ? 5000 : status)),
        )
        if (!isLost) state = after
        if (outcome === 'restart') kit = await kit.restart()
        await compare(kit, state)
      }
      await compare(await kit.restart(), state)
    }),
    { numRuns: 60 },
  )
})
