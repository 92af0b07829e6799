import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { managedHosts, writeManagedHosts } from '../../src/network/managed-hosts.ts'

describe('names of other containers in /etc/hosts', () => {
  let dir: string
  let path: string
  const own = '127.0.0.1\tlocalhost\n10.0.0.2\tweb\n'
  const db = { address: '10.0.0.3', names: ['db', 'db.front'] }

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tsctr-hosts-'))
    path = join(dir, 'hosts')
    writeFileSync(path, own)
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  test('come, change and go; the file stays the same one, for it is bind-mounted', () => {
    const { ino } = statSync(path)
    writeManagedHosts(path, managedHosts([db]))
    assert.match(readFileSync(path, 'utf8'), /^10\.0\.0\.3\tdb db\.front$/m)
    writeManagedHosts(path, managedHosts([{ ...db, names: ['other'] }]))
    assert.doesNotMatch(readFileSync(path, 'utf8'), /db/)
    writeManagedHosts(path, managedHosts([]))
    assert.equal(readFileSync(path, 'utf8'), own)
    assert.equal(statSync(path).ino, ino)
  })

  test('what the container has written before and after them stays', () => {
    writeManagedHosts(path, managedHosts([db]))
    writeFileSync(path, `192.0.2.1 first\n${readFileSync(path, 'utf8')}192.0.2.2 last\n`)
    writeManagedHosts(path, managedHosts([]))
    assert.equal(readFileSync(path, 'utf8'), `192.0.2.1 first\n${own}192.0.2.2 last\n`)
  })

  test('a list that a container has cut short is written anew', () => {
    writeManagedHosts(path, managedHosts([db]))
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.slice(0, text.indexOf('10.0.0.3')))
    writeManagedHosts(path, managedHosts([db]))
    assert.equal(readFileSync(path, 'utf8'), text)
  })

  test('a container that is being removed has no file any more, which is no error', () => {
    rmSync(path)
    writeManagedHosts(path, managedHosts([db]))
    assert.throws(() => readFileSync(path), { code: 'ENOENT' })
  })
})
