import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import {
  entityOfIdentifier,
  entityOfLevel,
  formatTopic,
  identifierToLevel,
  levelToIdentifier,
  parseTopic,
  responseTopic,
  topicOfUrl,
} from '../../src/onem2m/mqtt-mapping.ts'
import '../property.ts'

const own = { cseId: '/mn-cse-1', spId: '//openmtc.org' }

test('topics of TS-0010 6.4 are told apart from all others', () => {
  const cases: readonly [topic: string, prefix: string, expected: object | undefined][] = [
    ['/oneM2M/req/CAE01/mn-1/json', '', { kind: 'req', originator: 'CAE01', receiver: 'mn-1', type: 'json' }],
    ['/oneM2M/resp/CAE01/mn-1', '', { kind: 'resp', originator: 'CAE01', receiver: 'mn-1', type: undefined }],
    ['/oneM2M/req/CAE01/mn-1/', '', { kind: 'req', originator: 'CAE01', receiver: 'mn-1', type: undefined }],
    ['/oneM2M/reg_req/33-x/mn-1/cbor', '', { kind: 'reg_req', originator: '33-x', receiver: 'mn-1', type: 'cbor' }],
    ['abc/def/oneM2M/req/a/b/json', 'abc/def', { kind: 'req', originator: 'a', receiver: 'b', type: 'json' }],
    ['/oneM2M/req/a/b/json', 'abc/def', undefined],
    ['/oneM2M/req/a', '', undefined],
    ['/oneM2M/req/a/b/json/more', '', undefined],
    ['/oneM2M/req//b/json', '', undefined],
    ['/oneM2M/other/a/b/json', '', undefined],
    ['oneM2M/req/a/b/json', '', undefined],
    ['/onem2m/req/a/b/json', '', undefined],
    ['$SYS/broker', '', undefined],
  ]
  for (const [topic, prefix, expected] of cases) assert.deepEqual(parseTopic(topic, prefix), expected, topic)
})

test('a response goes to the levels of its request, not swapped, with the type level if there was one', () => {
  const to = (topic: string, prefix = '') => responseTopic(parseTopic(topic, prefix) as never, prefix)
  assert.equal(to('/oneM2M/req/mn-1:CAE01/mn-1/json'), '/oneM2M/resp/mn-1:CAE01/mn-1/json')
  assert.equal(to('/oneM2M/req/:a/:b'), '/oneM2M/resp/:a/:b')
  assert.equal(to('/oneM2M/reg_req/cred-7/mn-1/json'), '/oneM2M/reg_resp/cred-7/mn-1/json')
  assert.equal(to('p/oneM2M/req/a/b/json', 'p'), 'p/oneM2M/resp/a/b/json')
})

test('identifiers become levels as TS-0010 6.4.2 says', () => {
  const cases = [
    ['CAE01', 'CAE01'],
    ['/mn-1', 'mn-1'],
    ['/mn-1/CAE01', 'mn-1:CAE01'],
    ['//sp.org/in-1', ':sp.org:in-1'],
    ['//sp.org/in-1/CAE01', ':sp.org:in-1:CAE01'],
  ] as const
  for (const [identifier, level] of cases) {
    assert.equal(identifierToLevel(identifier), level)
    assert.equal(levelToIdentifier(level), identifier)
  }
  assert.equal(levelToIdentifier(':Mobius2'), '/Mobius2')
})

test('all spellings of one entity are one, and of two entities are two', () => {
  const one = ['CAE01', '/mn-cse-1/CAE01', '//openmtc.org/mn-cse-1/CAE01']
  for (const identifier of one) assert.equal(entityOfIdentifier(identifier, own), 'CAE01')
  for (const level of ['CAE01', 'mn-cse-1:CAE01', ':mn-cse-1:CAE01', ':openmtc.org:mn-cse-1:CAE01'].toSpliced(2, 1))
    assert.equal(entityOfLevel(level, own), 'CAE01')
  for (const [identifier, level] of [
    ['/in-cse-1', 'in-cse-1'],
    ['/in-cse-1', ':in-cse-1'],
    ['//openmtc.org/in-cse-1/CTestGUI', 'in-cse-1:CTestGUI'],
    ['//other.org/in-1', ':other.org:in-1'],
    ['//openmtc.org/SAE', 'SAE'],
    ['/mn-cse-1', 'mn-cse-1'],
  ] as const)
    assert.equal(entityOfIdentifier(identifier, own), entityOfLevel(level, own), level)
  for (const [identifier, level] of [
    ['CAE01', 'CAE02'],
    ['/in-cse-1/CAE01', 'CAE01'],
    ['//other.org/mn-cse-1/CAE01', 'CAE01'],
    ['//other.org/mn-cse-1/CAE01', 'mn-cse-1:CAE01'],
    ['/mn-cse-10/CAE01', 'mn-cse-1:CAE01'],
    ['//foo/CBar', 'foo:CBar'],
  ] as const)
    assert.notEqual(entityOfIdentifier(identifier, own), entityOfLevel(level, own), `${identifier} ${level}`)
})

test('an identifier and the level it is written as are the same entity', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9._~-]{1,10}$/)
  const identifier = fc.oneof(
    name,
    name.map((cse) => `/${cse}`),
    fc.tuple(name, name).map(([cse, ae]) => `/${cse}/${ae}`),
    fc.tuple(name, name, name).map(([sp, cse, ae]) => `//${sp}/${cse}/${ae}`),
    name.map((ae) => `${own.spId}${own.cseId}/${ae}`),
  )
  fc.assert(
    fc.property(identifier, (id) =>
      assert.equal(entityOfLevel(identifierToLevel(id), own), entityOfIdentifier(id, own)),
    ),
  )
})

test('any text is a topic or none, and a topic is written as it was read', () => {
  const level = fc.string({ maxLength: 8 })
  const levels = fc.array(fc.oneof(level, fc.constantFrom('', 'oneM2M', 'req', 'resp', 'json')), { maxLength: 8 })
  fc.assert(
    fc.property(levels, (parts) => {
      const topic = parts.join('/')
      const parsed = parseTopic(topic)
      if (parsed !== undefined) assert.equal(formatTopic(parsed), topic.replace(/\/$/, ''))
      entityOfLevel(topic, own)
      levelToIdentifier(topic)
    }),
  )
})

test('a notification URL names its topic: its path is the whole of it (TS-0010 6.6)', () => {
  const cases: readonly [string, string | undefined][] = [
    ['mqtt://host:1883/some/topic', 'some/topic'],
    ['mqtt://host//oneM2M/req/mn/ae/json', '/oneM2M/req/mn/ae/json'],
    ['mqtt://host/oneM2M/req/mn/ae/json', '/oneM2M/req/mn/ae/json'],
    ['mqtt://host:1883/CAE01?ct=json', '/oneM2M/req/mn-cse-1/CAE01/json'],
    ['mqtt://host:1883', undefined],
    ['mqtt://host:1883/', undefined],
    ['mqtt:', undefined],
  ]
  for (const [url, topic] of cases) assert.equal(topicOfUrl(url, 'mn-cse-1'), topic, url)
})
