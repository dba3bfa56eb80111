import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { FilterTree, matchesFilter, TopicTree } from '../../src/broker/filter-tree.ts'
import '../property.ts'

const level = fc.constantFrom('a', 'b', '', '$s')
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))

/** MQTT 3.1.1 section 4.7, as a regular expression. */
function naive(pattern: string, text: string): boolean {
  if (text.startsWith('$') && /^[+#]/.test(pattern)) return false
  const source = pattern
    .split('/')
    .map((part) => (part === '+' ? '[^/]*' : part.replace('$', '\\$')))
    .join('/')
    .replace(/\/#$/, '(/.*)?')
    .replace(/^#$/, '.*')
  return new RegExp(`^${source}$`).test(text)
}

test('a filter matches what MQTT 3.1.1 section 4.7 says, one by one and in both trees', () => {
  fc.assert(
    fc.property(fc.array(filter, { maxLength: 12 }), fc.array(topic, { maxLength: 12 }), (filters, topics) => {
      const filterTree = new FilterTree<string>()
      const topicTree = new TopicTree<string>()
      for (const each of filters) filterTree.add(each, each)
      for (const each of topics) topicTree.set(each, each)
      for (const each of topics) {
        const found = new Set<string>()
        filterTree.match(each, (value) => found.add(value))
        assert.deepEqual(
          [...found].sort(),
          [...new Set(filters)].filter((pattern) => naive(pattern, each)).sort(),
          each,
        )
      }
      for (const each of filters) {
        assert.deepEqual(
          [...topicTree.find(each)].sort(),
          [...new Set(topics)].filter((text) => naive(each, text)).sort(),
          each,
        )
        for (const text of topics) assert.equal(matchesFilter(each, text), naive(each, text), `${each} ${text}`)
      }
    }),
    { numRuns: 300 },
  )
})

test('what is removed leaves the rest as it was', () => {
  fc.assert(
    fc.property(fc.array(filter, { maxLength: 10 }), fc.array(filter, { maxLength: 5 }), topic, (kept, gone, text) => {
      const tree = new FilterTree<string>()
      for (const each of [...kept, ...gone]) tree.add(each, each)
      for (const each of gone) if (!kept.includes(each)) tree.remove(each, each)
      const only = new FilterTree<string>()
      for (const each of kept) only.add(each, each)
      for (const each of gone) if (kept.includes(each)) only.add(each, each)
      const matches = (from: FilterTree<string>) => {
        const found: string[] = []
        from.match(text, (value) => found.push(value))
        return found.sort()
      }
      assert.deepEqual(matches(tree), matches(only))
      assert.equal(tree.size, only.size)
    }),
    { numRuns: 300 },
  )
})
