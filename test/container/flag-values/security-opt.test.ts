import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SecurityOptions } from '../../../src/container/config.ts'
import {
  addSecurityOption,
  defaultSecurity,
} from '../../../src/container/flag-values/security-opt.ts'

function after(...texts: readonly string[]): SecurityOptions {
  return texts.reduce((before, text) => addSecurityOption(text, before), defaultSecurity)
}

test('each option is heard and kept as typed', () => {
  assert.deepEqual(
    after('no-new-privileges', 'seccomp=unconfined', 'apparmor=mine', 'systempaths=unconfined'),
    {
      given: ['no-new-privileges', 'seccomp=unconfined', 'apparmor=mine', 'systempaths=unconfined'],
      seccomp: 'unconfined',
      apparmorProfile: 'mine',
      noNewPrivileges: true,
      isSystempathsUnconfined: true,
      isWritableCgroups: false,
    },
  )
  assert.equal(after('writable-cgroups=true').isWritableCgroups, true)
  assert.deepEqual(after('label=disable', 'label:type:x_t').labels, ['disable', 'type:x_t'])
  assert.equal(after('privileged-without-host-devices').isWithoutHostDevices, true)
})

test('a value may follow a colon too, and the last one counts', () => {
  assert.equal(after('no-new-privileges:true').noNewPrivileges, true)
  assert.equal(after('no-new-privileges', 'no-new-privileges=false').noNewPrivileges, false)
  assert.equal(after('seccomp=unconfined', 'seccomp=builtin').seccomp, 'default')
})

test('a profile is read at once, so that the container does not change with the file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsctr-security-'))
  try {
    const path = join(dir, 'profile.json')
    writeFileSync(path, '{"defaultAction":"SCMP_ACT_ALLOW"}')
    const { seccomp } = after(`seccomp=${path}`)
    assert.equal(typeof seccomp === 'object' && seccomp.defaultAction, 'SCMP_ACT_ALLOW')
    writeFileSync(path, '{')
    assert.throws(() => after(`seccomp=${path}`), /profile.json: not a JSON document/)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('what cannot be done is refused', () => {
  const broken = [
    '',
    'nothing',
    'seccomp',
    'seccomp=',
    'apparmor',
    'systempaths=x',
    'no-new-privileges=1x',
    'label',
    'label=enable',
    'label=type:',
    'privileged-without-host-devices=maybe',
  ]
  for (const text of broken) {
    assert.throws(() => after(text), { code: 'INVALID_ARGUMENT' }, text)
  }
})
