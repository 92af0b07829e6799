import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { runProgram } from '../../src/host/exec.ts'
import {
  createNetworkNamespace,
  removeNetworkNamespace,
  runInNetworkNamespace,
} from '../../src/network/network-namespace.ts'
import { needsNetwork } from '../helpers/capabilities.ts'
import { becomePrivateHost, ip, output } from './private-host.ts'

const namespaceNow = (): string => readlinkSync('/proc/thread-self/ns/net')

describe('network namespaces', { skip: needsNetwork() }, () => {
  let dir: string
  let path: string
  let home: string

  before(() => {
    becomePrivateHost()
    home = namespaceNow()
    dir = mkdtempSync(join(tmpdir(), 'tsctr-netns-'))
  })

  beforeEach(() => {
    path = join(dir, 'run/container/netns')
    removeNetworkNamespace(path)
  })

  after(() => {
    removeNetworkNamespace(path)
    rmSync(dir, { recursive: true, force: true })
  })

  test('a new one is another than ours, and ours is where we are', () => {
    createNetworkNamespace(path)
    assert.equal(namespaceNow(), home)
    assert.notEqual(runInNetworkNamespace(path, namespaceNow), home)
    assert.equal(namespaceNow(), home)
  })

  test('a program started inside stays there, what follows its end is back home', async () => {
    createNetworkNamespace(path)
    const inside = runInNetworkNamespace(path, namespaceNow)
    const started = runInNetworkNamespace(path, () => runProgram('readlink', ['/proc/self/ns/net']))
    assert.equal(namespaceNow(), home)
    assert.equal((await started).stdout.trim(), inside)
    assert.equal(namespaceNow(), home)
  })

  test('a body that throws leaves us home', () => {
    createNetworkNamespace(path)
    const fail = (): never => {
      throw new Error('inside')
    }
    assert.throws(() => runInNetworkNamespace(path, fail), { message: 'inside' })
    assert.equal(namespaceNow(), home)
  })

  test('made again it is a fresh one under the same path, with one mount', () => {
    createNetworkNamespace(path)
    runInNetworkNamespace(path, () => ip('link set lo up'))
    createNetworkNamespace(path)
    const lo = runInNetworkNamespace(path, () => output('ip', 'link', 'show', 'lo'))
    assert.match(lo, /state DOWN/)
    assert.equal(mountsOf(path), 1)
  })

  test('removal leaves neither mount nor file, and can be repeated', () => {
    createNetworkNamespace(path)
    removeNetworkNamespace(path)
    removeNetworkNamespace(path)
    assert.equal(mountsOf(path), 0)
    assert.equal(existsSync(path), false)
  })

  test('a file that nothing was mounted on yet is removed too', () => {
    createNetworkNamespace(path)
    removeNetworkNamespace(path)
    writeFileSync(path, '')
    removeNetworkNamespace(path)
    assert.equal(existsSync(path), false)
  })

  test('a place where none can be made leaves us home', () => {
    writeFileSync(join(dir, 'file'), '')
    assert.throws(() => createNetworkNamespace(join(dir, 'file/netns')), { code: 'ENOTDIR' })
    assert.equal(namespaceNow(), home)
  })
})

function mountsOf(path: string): number {
  const lines = readFileSync('/proc/thread-self/mountinfo', 'utf8').split('\n')
  return lines.filter((line) => line.split(' ')[4] === path).length
}
