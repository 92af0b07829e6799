import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'

const moduleUrl = new URL('../../../src/cli/render/local-time.ts', import.meta.url).href
const zoneinfo = '/usr/share/zoneinfo/Europe/Berlin'

/** A process per zone: V8 keeps the zone it started with. */
function localTimesIn(zone: string, times: readonly string[]): string[] {
  const program = `
    const { localTime } = await import(${JSON.stringify(moduleUrl)})
    for (const time of process.argv.slice(1)) console.log(localTime(new Date(time)))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program, ...times], {
    env: { ...process.env, TZ: zone },
    encoding: 'utf8',
  })
  return output.trim().split('\n')
}

test('local time names its zone as date(1) does', {
  skip: !existsSync(zoneinfo) && 'needs tzdata',
}, () => {
  const times = [
    '1960-05-06T07:08:09Z',
    '2006-01-02T15:04:05Z',
    '2024-07-01T12:00:00Z',
    '2024-12-01T12:00:00Z',
    '2050-07-01T00:00:00Z',
    '2050-12-31T23:00:00Z',
  ]
  const zones = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Asia/Tokyo',
    'Asia/Kolkata',
    'America/Sao_Paulo',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
  ]
  for (const zone of zones) {
    const expected = times.map((time) =>
      execFileSync('date', ['-d', time, '+%Y-%m-%d %H:%M:%S %z %Z'], {
        env: { ...process.env, TZ: zone },
        encoding: 'utf8',
      }).trim(),
    )
    assert.deepEqual(localTimesIn(zone, times), expected, zone)
  }
})

test('a zone without a file is shown by its offset', () => {
  assert.deepEqual(localTimesIn('No/Such', ['2006-01-02T15:04:05Z']), [
    '2006-01-02 15:04:05 +0000 UTC',
  ])
})
