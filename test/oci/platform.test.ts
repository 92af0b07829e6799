import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  formatPlatform,
  isPlatformMatch,
  isSamePlatform,
  type Platform,
  parsePlatform,
  platformRank,
  runnablePlatforms,
} from '../../src/oci/platform.ts'

const host = { os: 'linux', architecture: 'amd64' }
const platform = (text: string): Platform => parsePlatform(text, host)
const full = (text: string): Platform =>
  platform(/^(linux|windows)/.test(text) ? text : `linux/${text}`)

/** What runs on each, and what does not. Source: containerd/platforms compare_test.go TestOnly */
const runs: Readonly<Record<string, { readonly yes: string; readonly no: string }>> = {
  'linux/amd64': { yes: 'amd64 386 amd64/v1', no: 'amd64/v2 arm/v7 arm64 windows/amd64' },
  'linux/amd64/v2': { yes: 'amd64 amd64/v1 amd64/v2 386', no: 'amd64/v3 amd64/v4 arm64' },
  'linux/386': { yes: '386', no: 'amd64 arm/v7 arm64' },
  'linux/arm/v8': { yes: 'arm arm/v5 arm/v6 arm/v7 arm/v8', no: 'arm/v4 arm64 amd64' },
  'linux/arm/v7': { yes: 'arm arm/v5 arm/v6 arm/v7', no: 'arm/v4 arm/v8 arm64' },
  'linux/arm': { yes: 'arm arm/v5 arm/v6 arm/v7', no: 'arm/v4 arm/v8 arm64' },
  'linux/arm/v6': { yes: 'arm/v5 arm/v6', no: 'arm arm/v4 arm/v7 arm/v8 arm64' },
  'linux/arm/v5': { yes: 'arm/v5', no: 'arm arm/v4 arm/v6 arm/v7' },
  'linux/arm/v4': { yes: 'arm/v4', no: 'arm arm/v5 arm/v6' },
  'linux/arm64/v9': {
    yes: 'arm arm/v5 arm/v6 arm/v7 arm/v8 arm64 arm64/v8 arm64/v8.1 arm64/v8.5 arm64/v9 arm64/v9.0',
    no: 'amd64 arm/v4 arm64/v8.6 arm64/v9.1',
  },
  'linux/arm64/v9.2': { yes: 'arm64/v9 arm64/v9.1 arm64/v8.7 arm64', no: 'arm64/v8.8 arm64/v9.3' },
  'linux/arm64/v8.1': { yes: 'arm arm/v8 arm64 arm64/v8 arm64/v8.1', no: 'arm/v9 arm64/v9 amd64' },
  'linux/arm64': { yes: 'arm arm/v5 arm/v6 arm/v7 arm/v8 arm64 arm64/v8', no: 'arm/v4 arm64/v9' },
  'linux/riscv64': { yes: 'riscv64', no: 'amd64 arm64' },
  'windows/amd64': {
    yes: 'windows/amd64 windows(10.0.17763)/amd64',
    no: 'linux/amd64 windows/arm',
  },
  'windows(10.0.17763)/amd64': {
    yes: 'windows/amd64 windows(10.0.17763)/amd64 windows(10.0.17763.999)/amd64',
    no: 'windows(10.0.14393)/amd64 windows(6.1.17763)/amd64 windows(new)/amd64',
  },
  'windows(10.0.22621)/amd64': {
    yes: 'windows(10.0.20348)/amd64 windows(10.0.22621)/amd64',
    no: 'windows(10.0.17763)/amd64 windows(10.0.26100)/amd64',
  },
}

describe('platformRank', () => {
  for (const [wanted, { yes, no }] of Object.entries(runs)) {
    test(`of ${wanted}`, () => {
      for (const text of yes.split(' ')) {
        assert.notEqual(platformRank(platform(wanted), full(text)), undefined, text)
      }
      for (const text of no.split(' ')) {
        assert.equal(platformRank(platform(wanted), full(text)), undefined, text)
      }
    })
  }

  test('is best for the same, then for the nearest below', () => {
    const names = (text: string): string[] =>
      runnablePlatforms(platform(text)).map((each) => formatPlatform(each).replace('linux/', ''))
    assert.deepEqual(names('amd64'), ['amd64', '386'])
    assert.deepEqual(names('linux/amd64/v3'), ['amd64/v3', 'amd64/v2', 'amd64', '386'])
    assert.deepEqual(names('arm'), ['arm/v7', 'arm/v6', 'arm/v5'])
    assert.deepEqual(names('arm64'), ['arm64', 'arm/v8', 'arm/v7', 'arm/v6', 'arm/v5'])
    const v8 = ['arm64/v8.5', 'arm64/v8.4', 'arm64/v8.3', 'arm64/v8.2', 'arm64/v8.1', 'arm64']
    const arm = ['arm/v8', 'arm/v7', 'arm/v6', 'arm/v5']
    assert.deepEqual(names('linux/arm64/v9'), ['arm64/v9', ...v8, 'arm/v9', ...arm])
    assert.deepEqual(names('linux/arm64/v8.1'), ['arm64/v8.1', 'arm64', ...arm])
  })
})

test('features of the system must all be there; a version of another system than Windows is not asked', () => {
  const windows = platform('windows/amd64')
  const needing = { ...windows, osFeatures: ['win32k'] }
  assert.equal(isPlatformMatch(windows, needing), false)
  assert.equal(isPlatformMatch(needing, windows), true)
  assert.equal(isPlatformMatch(needing, needing), true)
  const linux = platform('linux/amd64')
  assert.ok(isPlatformMatch({ ...linux, osVersion: '5' }, { ...linux, osVersion: '6' }))
})

test('parsePlatform fills in the host’s part and knows every alias', () => {
  for (const [text, expected] of Object.entries({
    amd64: 'linux/amd64',
    x86_64: 'linux/amd64',
    'x86-64': 'linux/amd64',
    'Linux/AMD64/v1': 'linux/amd64',
    i386: 'linux/386',
    aarch64: 'linux/arm64',
    'linux/arm64/v8': 'linux/arm64',
    'linux/arm64/8': 'linux/arm64',
    'linux/arm64/v9.0': 'linux/arm64/v9',
    armhf: 'linux/arm/v7',
    armel: 'linux/arm/v6',
    'linux/arm/7': 'linux/arm/v7',
    arm: 'linux/arm/v7',
    linux: 'linux/amd64',
    windows: 'windows/amd64',
    'macos/arm64': 'darwin/arm64',
    'windows(10.0.17763)/amd64': 'windows/amd64',
  })) {
    assert.equal(formatPlatform(platform(text)), expected, text)
  }
  assert.equal(platform('windows(10.0.17763)/amd64').osVersion, '10.0.17763')
  assert.ok(isSamePlatform(platform('linux/arm64/v8'), { os: 'linux', architecture: 'aarch64' }))
})

test('parsePlatform refuses what is none', () => {
  for (const text of [
    '',
    '/',
    'linux/',
    'a/b/c/d',
    'linux/amd64/',
    'linux amd64',
    'linux/*',
    'é',
  ]) {
    assert.throws(() => platform(text), { code: 'INVALID_ARGUMENT' }, text)
  }
})
