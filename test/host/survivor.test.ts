import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { spawnSession } from '../../src/host/libc.ts'
import { startSurvivor } from '../../src/host/survivor.ts'

describe('a survivor', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-survivor-'))
  after(() => rmSync(directory, { recursive: true }))

  async function textOf(path: string): Promise<string> {
    for (let round = 0; !existsSync(path); round += 1) {
      assert.ok(round < 200, `${path}: not made`)
      await delay(25)
    }
    return readFileSync(path, 'utf8')
  }

  test('acts when it is released, on the word it is told', async () => {
    const script = `read -r word; echo "$word $1 $PWD" >"$2.new"; mv "$2.new" "$2"`
    const told = join(directory, 'told')
    const survivor = startSurvivor(script, ['ü "x"', told], undefined)
    await delay(50)
    assert.equal(existsSync(told), false)
    survivor.release('leave')
    survivor.release()
    assert.equal(await textOf(told), 'leave ü "x" /\n')
  })

  test('is a session of its own, with no signal ignored or blocked', async () => {
    const script = `read -r word; { ps -o sid= -p $$; echo $$; grep -E 'Sig(Blk|Ign)' /proc/self/status; } >"$1.new"; mv "$1.new" "$1"`
    const path = join(directory, 'signals')
    // Node ignores SIGPIPE, which programs inherit.
    startSurvivor(script, [path], undefined).release()
    const [session, pid, blocked, ignored] = (await textOf(path)).split('\n')
    assert.equal(session?.trim(), pid)
    assert.match(blocked ?? '', /0{16}$/)
    assert.match(ignored ?? '', /0{16}$/)
  })

  test('gets the descriptors that it is given, whatever their numbers', async () => {
    const path = join(directory, 'descriptors')
    const nothing = openSync('/dev/null', 'r+')
    const zero = openSync('/dev/zero', 'r')
    try {
      const script = `for fd in 0 1 2 3; do readlink /proc/$$/fd/$fd; done >"${path}.new"; mv "${path}.new" "${path}"`
      spawnSession('/bin/sh', ['-c', script], { PATH: '/usr/bin:/bin' }, [
        zero,
        nothing,
        nothing,
        zero,
      ])
      assert.equal(await textOf(path), `/dev/zero\n${path}.new\n/dev/null\n/dev/zero\n`)
    } finally {
      closeSync(zero)
      closeSync(nothing)
    }
  })

  test('that cannot be started says why', () => {
    assert.throws(() => spawnSession('/nowhere', [], {}, []), { code: 'ENOENT', path: '/nowhere' })
  })
})
