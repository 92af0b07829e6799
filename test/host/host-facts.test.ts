import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { hostFacts } from '../../src/host/host-facts.ts'

function shell(script: string): string {
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim()
}

test('the facts agree with what other programs say of the machine', () => {
  const facts = hostFacts()
  assert.equal(
    `${facts.kernel.major}.${facts.kernel.minor}`,
    shell('uname -r | cut -d. -f1,2 | cut -d- -f1'),
  )
  const isV2 = shell('stat -fc %T /sys/fs/cgroup 2>/dev/null || true') === 'cgroup2fs'
  assert.equal(facts.cgroup.mode === 'v2', isV2)
  assert.equal(
    facts.hasSelinux,
    shell('test -e /sys/fs/selinux/enforce && echo y || echo n') === 'y',
  )
})

test('a capability dropped from the bounding set is not one to hand on', {
  skip:
    shell('command -v setpriv >/dev/null && test $(id -u) = 0 && echo y || echo n') === 'y'
      ? false
      : 'needs root and setpriv',
}, () => {
  const module = new URL('../../src/host/host-facts.ts', import.meta.url).href
  const script = `import(${JSON.stringify(module)}).then((m) => console.log(m.hostFacts().capabilities.join()))`
  const drop = ['--bounding-set', '-mknod', '--inh-caps', '-mknod']
  const node = [process.execPath, '--no-warnings', '-e', script]
  const output = execFileSync('setpriv', [...drop, ...node], { encoding: 'utf8' })
  assert.ok(!output.includes('CAP_MKNOD'))
  assert.ok(output.includes('CAP_CHOWN'))
})
