import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { matchesEvent, parseEventFilter } from '../../src/store/event-filters.ts'
import { listEvents, type NewEvent, recordEvent, type StoredEvent } from '../../src/store/events.ts'
import { followEvents } from '../../src/store/follow-events.ts'
import { openRecordStore, type RecordStore } from './fixture.ts'

let store: RecordStore
beforeEach(() => {
  store = openRecordStore()
})
afterEach(() => store.close())

const start: NewEvent = {
  namespace: 'default',
  type: 'container',
  action: 'start',
  actorId: 'a'.repeat(64),
  attributes: { name: 'web', image: 'redis:alpine', team: 'one' },
}

describe('the journal', () => {
  test('keeps events in order, apart for each namespace', () => {
    recordEvent(store.database, start)
    recordEvent(store.database, { ...start, namespace: 'other', action: 'die' })
    recordEvent(store.database, { ...start, action: 'stop' })
    const events = listEvents(store.database, { namespace: 'default' })
    assert.deepEqual(
      events.map(({ action }) => action),
      ['start', 'stop'],
    )
    assert.deepEqual(events[0]?.attributes, start.attributes)
    assert.ok(Math.abs((events[0]?.timeUs ?? 0) / 1000 - Date.now()) < 60_000)
  })

  test('lists what lies between two moments, both of them included', () => {
    for (const action of ['create', 'start', 'die'])
      recordEvent(store.database, { ...start, action })
    const [, second] = listEvents(store.database, { namespace: 'default' })
    const range = { namespace: 'default', sinceUs: second?.timeUs, untilUs: second?.timeUs }
    const found = listEvents(store.database, range).map(({ action }) => action)
    assert.ok(found.includes('start'))
    assert.deepEqual(listEvents(store.database, { namespace: 'default', untilUs: 1 }), [])
  })

  test('forgets all but the newest ten thousand', () => {
    store.database.transaction(() => {
      for (let count = 0; count < 10_400; count += 1) recordEvent(store.database, start)
    })()
    const events = listEvents(store.database, { namespace: 'default' })
    assert.equal(events.length, 10_000)
    assert.equal(events.at(-1)?.number, 10_400)
  })
})

describe('followEvents', () => {
  test('begins now, shows what comes and ends with its signal', async () => {
    recordEvent(store.database, { ...start, action: 'create' })
    const end = new AbortController()
    const seen: string[] = []
    const options = { signal: end.signal }
    const following = (async () => {
      for await (const events of followEvents(store.database, 'default', options)) {
        seen.push(...events.map(({ action }) => action))
        if (seen.includes('die')) end.abort()
      }
    })()
    recordEvent(store.database, start)
    setTimeout(() => recordEvent(store.database, { ...start, action: 'die' }), 20)
    await following
    assert.deepEqual(seen, ['start', 'die'])
  })

  test('of the past alone ends at once', async () => {
    recordEvent(store.database, start)
    await new Promise((resolve) => setTimeout(resolve, 5))
    const seen: StoredEvent[] = []
    const { signal } = new AbortController()
    const untilUs = Date.now() * 1000
    for await (const events of followEvents(store.database, 'default', { untilUs, signal })) {
      seen.push(...events)
    }
    assert.equal(seen.length, 1)
  })
})

describe('event filters', () => {
  const event: StoredEvent = { ...start, number: 1, timeUs: 1 }
  const health = { ...event, action: 'health_status: healthy' }
  const image: StoredEvent = {
    ...event,
    type: 'image',
    action: 'pull',
    actorId: 'redis:alpine',
    attributes: { name: 'redis:alpine' },
  }

  const cases: readonly [StoredEvent, readonly string[], boolean][] = [
    [event, [], true],
    [event, ['type=container'], true],
    [event, ['type=image'], false],
    [event, ['event=start'], true],
    [event, ['event=die', 'event=start'], true],
    [event, ['event=star'], false],
    [health, ['event=health_status'], true],
    [event, ['container=web'], true],
    [event, ['container=aaaaaa'], true],
    [event, ['container=other'], false],
    [event, ['image=redis'], true],
    [event, ['image=redis:alpine'], true],
    [event, ['image=red'], false],
    [image, ['image=redis'], true],
    [image, ['container=redis'], false],
    [event, ['label=team'], true],
    [event, ['label=team=one'], true],
    [event, ['label=team=two'], false],
    [event, ['label=team', 'label=missing'], false],
    [event, ['volume=web'], false],
    [event, ['type=container', 'event=die'], false],
  ]
  for (const [given, texts, expected] of cases) {
    test(`${given.type} ${given.action} ${expected ? 'matches' : 'misses'} [${texts}]`, () => {
      assert.equal(matchesEvent(given, texts.map(parseEventFilter)), expected)
    })
  }

  test('that do not exist are refused', () => {
    assert.throws(() => parseEventFilter('colour=red'), { code: 'INVALID_ARGUMENT' })
    assert.throws(() => parseEventFilter('event'), { code: 'INVALID_ARGUMENT' })
  })
})
