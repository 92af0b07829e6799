import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { describeHost } from '../../src/host/describe-host.ts'

const ask = (script: string): string =>
  execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim()

test('the host is described as its own programs describe it', () => {
  const host = describeHost()
  assert.equal(host.name, ask('uname -n'))
  assert.equal(host.kernelVersion, ask('uname -r'))
  assert.equal(host.architecture, ask('uname -m'))
  assert.equal(host.cpus, Number(ask('nproc')))
  assert.equal(host.operatingSystem, ask('. /etc/os-release; echo "$PRETTY_NAME"'))
  assert.equal(host.memoryBytes / 1024, Number(ask("awk '/^MemTotal/ { print $2 }' /proc/meminfo")))
})
