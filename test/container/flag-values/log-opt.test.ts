import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  type LogDriverName,
  logConfig,
  parseLogDriver,
  parseLogOption,
} from '../../../src/container/flag-values/log-opt.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-log-opt-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

function config(name: LogDriverName | undefined, ...options: readonly string[]) {
  return logConfig(name, options.map(parseLogOption), scratch)
}

test('nothing asked for is the default', () => {
  assert.equal(config(undefined), undefined)
})

test('json-file is kept as k8s-file, and named as typed', () => {
  assert.deepEqual(config('json-file', 'max-size=10m', 'max-file=3', 'path=own.log'), {
    driver: 'k8s-file',
    givenDriver: 'json-file',
    givenOptions: { 'max-size': '10m', 'max-file': '3', path: 'own.log' },
    path: join(scratch, 'own.log'),
    maxSizeBytes: 10 * 1024 * 1024,
    maxFiles: 3,
  })
  assert.equal(config(undefined, 'max-size=-1')?.maxSizeBytes, undefined)
  assert.equal(config(undefined, 'max-size=1k')?.maxFiles, 1)
})

test('a log in a directory above, or named like a flag, is an absolute path', () => {
  assert.equal(config('k8s-file', 'path=../-x.log')?.path, join(scratch, '..', '-x.log'))
})

test('what is given twice counts as given last', () => {
  assert.equal(config('k8s-file', 'max-size=1k', 'max-size=2k')?.maxSizeBytes, 2048)
})

test('what would mean nothing is refused by name', () => {
  const refused: readonly [LogDriverName, readonly string[], RegExp][] = [
    ['none', ['max-size=1m'], /^--log-opt max-size: log driver none has no such option$/],
    [
      'json-file',
      ['compress=true'],
      /^--log-opt compress: log driver json-file has no such option/,
    ],
    ['json-file', ['max-file=2'], /^--log-opt max-file: needs max-size too$/],
    ['json-file', ['max-size=0'], /^--log-opt max-size "0": less than the smallest allowed/],
    ['json-file', ['max-size=lots'], /^--log-opt max-size "lots": not a size/],
    ['json-file', ['max-size=1m', 'max-file=0'], /^--log-opt max-file "0": must be from 1 to 999$/],
    ['json-file', ['mode=non-blocking'], /^--log-opt mode "non-blocking": must be blocking$/],
    ['json-file', ['tag={{.Foo}}'], /^--log-opt tag "{{.Foo}}": not a tag$/],
    ['json-file', ['env-regex=('], /^--log-opt env-regex "\(": not a regular expression$/],
    // Fault list, b3 41: lines, and no flag: a path is absolute when it reaches the monitor.
    ['json-file', ['path=a\nb'], /^--log-opt path ".*a\\nb": must be one line$/],
    ['json-file', ['path=a\0b'], /: must be one line$/],
    ['json-file', ['path=.'], /^--log-opt path .*: is a directory$/],
    ['json-file', ['path=no/log'], /^--log-opt path .*no\/log: there is no directory .*\/no$/],
    ['json-file', ['path=a', 'log-path=b'], /^--log-opt path: contradicts log-path$/],
  ]
  for (const [name, options, message] of refused) {
    assert.throws(() => config(name, ...options), { code: 'INVALID_ARGUMENT', message })
  }
  assert.throws(() => parseLogDriver('syslog'), {
    message: '"syslog": must be k8s-file, json-file, journald or none',
  })
  assert.throws(() => parseLogOption('max-size'), { message: '"max-size": must be NAME=VALUE' })
})
