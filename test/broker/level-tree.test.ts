import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type LevelNode, LevelTree, searchTopics } from '../../src/broker/level-tree.ts'
import '../property.ts'

const topic = fc
  .array(fc.constantFrom('a', 'b', '', 'ab'), { minLength: 1, maxLength: 6 })
  .map((levels) => levels.join('/'))

/** Labels and paths, whatever the order they came in. */
function shapeOf({ label, path, children }: LevelNode): unknown {
  const shapes = [...(children?.entries() ?? [])].map(([name, child]) => [name, shapeOf(child)] as const)
  return { label, path, children: Object.fromEntries(shapes.sort(([one], [other]) => (one < other ? -1 : 1))) }
}

function sizeOf({ children }: LevelNode): number {
  return [...(children?.values() ?? [])].reduce((sum, child) => sum + sizeOf(child), 1)
}

function treeOf(paths: Iterable<string>): LevelTree {
  const tree = new LevelTree()
  for (const path of paths) tree.add(path)
  return tree
}

test('a tree is that of the paths in it, whatever else was there before, and has at most two nodes for each', () => {
  fc.assert(
    fc.property(fc.uniqueArray(topic), fc.uniqueArray(topic), (kept, gone) => {
      const others = gone.filter((path) => !kept.includes(path))
      const tree = treeOf([...others, ...kept])
      for (const path of others) tree.remove(path)
      assert.deepEqual(shapeOf(tree.root), shapeOf(treeOf(kept).root))
      assert.ok(sizeOf(tree.root) <= 2 * kept.length + 1)
    }),
    { numRuns: 300 },
  )
})

test('a topic of a thousand levels takes one node', () => {
  assert.equal(sizeOf(treeOf(['a'.concat('/a'.repeat(999))]).root), 2)
})

test('who walks through a tree that changes meanwhile meets each topic that stays exactly once', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(topic, { minLength: 1 }),
      fc.array(fc.tuple(fc.boolean(), topic)),
      fc.constantFrom('#', '+/#', 'a/#', '+/+/#', '+/+/+'),
      (topics, changes, filter) => {
        const tree = treeOf(topics)
        const there = new Set(topics)
        const touched = new Set(changes.map(([, path]) => path))
        const met: string[] = []
        const walk = searchTopics(tree, filter)
        for (const [isAdded, path] of changes) {
          const { value } = walk.next()
          if (value !== undefined) met.push(value)
          if (isAdded && !there.has(path)) tree.add(path)
          if (!isAdded && there.has(path)) tree.remove(path)
          if (isAdded) there.add(path)
          else there.delete(path)
        }
        for (const value of walk) if (value !== undefined) met.push(value)
        const expected = [...searchTopics(treeOf(topics.filter((path) => !touched.has(path))), filter)]
        assert.deepEqual(
          met.filter((path) => !touched.has(path)).sort(),
          expected.filter((path) => path !== undefined).sort(),
        )
      },
    ),
    { numRuns: 500 },
  )
})
