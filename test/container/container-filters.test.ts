import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseContainerFilter } from '../../src/container/container-filters.ts'

function matches(text: string, value: string): boolean {
  const filter = parseContainerFilter(text)
  return 'matches' in filter && filter.matches(value)
}

test('names and ids are regular expressions that may match anywhere, as docker has it', () => {
  assert.equal(matches('name=web', 'my-web-1'), true)
  assert.equal(matches('name=^web$', 'my-web-1'), false)
  assert.equal(matches('name=^/?web$', 'web'), true)
  assert.equal(matches('name=a.c', 'abc'), true)
  assert.equal(matches('id=^4f', '4f00'), true)
  assert.equal(matches('id=^4f', '004f'), false)
  assert.equal(matches('name=(', '('), true, 'what is no expression is a name')
  assert.equal(matches('name=(', 'a('), false)
})

test('labels have a key, and a value that may hold further equal signs', () => {
  assert.deepEqual(parseContainerFilter('label=a'), { kind: 'label', key: 'a', value: undefined })
  assert.deepEqual(parseContainerFilter('label=a='), { kind: 'label', key: 'a', value: '' })
  assert.deepEqual(parseContainerFilter('label=a=b=c'), { kind: 'label', key: 'a', value: 'b=c' })
  assert.deepEqual(parseContainerFilter('label!=a=b'), { kind: 'label!', key: 'a', value: 'b' })
})

test('until is a moment, or a span of time before now', () => {
  const moment = (text: string) => {
    const filter = parseContainerFilter(text)
    assert.ok(filter.kind === 'until')
    return filter.moment
  }
  assert.deepEqual(moment('until=2020-01-02T03:04:05Z'), new Date('2020-01-02T03:04:05Z'))
  const hourAgo = Date.now() - 3_600_000
  assert.ok(Math.abs(moment('until=1h').getTime() - hourAgo) < 10_000)
  assert.throws(() => parseContainerFilter('until=yesterday'), { code: 'INVALID_ARGUMENT' })
})

test('the other kinds', () => {
  assert.deepEqual(parseContainerFilter('status=exited'), { kind: 'status', state: 'exited' })
  assert.deepEqual(parseContainerFilter('exited=137'), { kind: 'exited', code: 137 })
  assert.deepEqual(parseContainerFilter('health=none'), { kind: 'health', status: 'none' })
  assert.deepEqual(parseContainerFilter('ancestor=redis:alpine'), {
    kind: 'ancestor',
    image: 'redis:alpine',
  })
  assert.deepEqual(parseContainerFilter('before=web'), { kind: 'before', container: 'web' })
  assert.deepEqual(parseContainerFilter('since=web'), { kind: 'since', container: 'web' })
  assert.deepEqual(parseContainerFilter('network=none'), { kind: 'network', network: 'none' })
  assert.deepEqual(parseContainerFilter('volume=/a=b'), { kind: 'volume', place: '/a=b' })
  assert.deepEqual(parseContainerFilter(' Status = running '), { kind: 'status', state: 'running' })
})

test('what is unknown or malformed is refused', () => {
  for (const [text, problem] of [
    ['web', 'must be KEY=VALUE'],
    ['name=', 'must be KEY=VALUE'],
    ['', 'must be KEY=VALUE'],
    ['names=web', 'no such filter'],
    ['health=good', 'no such health'],
    ['__proto__=x', 'no such filter'],
    ['status=up', 'no such status'],
    ['exited=one', 'not a whole number'],
    ['exited=-1', 'not a whole number'],
  ] as const) {
    const expected = { code: 'INVALID_ARGUMENT', message: new RegExp(problem) }
    assert.throws(() => parseContainerFilter(text), expected, text)
  }
})
