import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCapability } from '../../../src/container/flag-values/capability.ts'
import { parseCgroupFile } from '../../../src/container/flag-values/cgroup-file.ts'
import { parseDevice } from '../../../src/container/flag-values/device.ts'
import {
  parseBlockWeight,
  parseDeviceBytes,
  parseDeviceOperations,
  parseDeviceWeight,
} from '../../../src/container/flag-values/device-limit.ts'
import { parseDeviceRule } from '../../../src/container/flag-values/device-rule.ts'
import {
  parseDnsOption,
  parseDnsSearch,
  parseDnsServer,
} from '../../../src/container/flag-values/dns.ts'
import { parseExtraHost } from '../../../src/container/flag-values/extra-host.ts'
import { keyValues, resolveEnv } from '../../../src/container/flag-values/key-values.ts'
import {
  parseCgroupParent,
  parseContainerName,
  parseHostname,
  parseUser,
} from '../../../src/container/flag-values/names.ts'
import {
  parseIpcMode,
  parsePidMode,
  parseUsernsMode,
} from '../../../src/container/flag-values/namespace-mode.ts'
import { parseMacAddress, parseNetwork } from '../../../src/container/flag-values/network.ts'
import {
  parseCpus,
  parseCpuset,
  parseUmask,
  wholeNumber,
} from '../../../src/container/flag-values/number.ts'
import { parseSize } from '../../../src/container/flag-values/size.ts'
import { parseSysctl } from '../../../src/container/flag-values/sysctl.ts'
import { parseUlimit } from '../../../src/container/flag-values/ulimit.ts'

/** The small parsers, one table for all: what each takes and means, and what it refuses. */
function check<T>(
  parse: (text: string) => T,
  good: readonly (readonly [text: string, value: T])[],
  bad: readonly string[],
): void {
  for (const [text, value] of good) assert.deepEqual(parse(text), value, text)
  for (const text of bad) assert.throws(() => parse(text), { name: 'TsctrError' }, text)
}

test('sizes', () => {
  check(
    (text) => parseSize(text),
    [
      ['0', 0],
      ['1024', 1024],
      ['10b', 10],
      ['1k', 1024],
      ['64m', 64 * 1024 ** 2],
      ['64MB', 64 * 1024 ** 2],
      ['1.5GiB', 1.5 * 1024 ** 3],
      ['2 t', 2 * 1024 ** 4],
    ],
    ['', '-1', 'm', '1x', '1e3', '0x10', '9000p', '1 m m', 'Infinity'],
  )
})

test('numbers', () => {
  check(
    wholeNumber(-1, 5),
    [
      ['-1', -1],
      ['5', 5],
      ['+3', 3],
    ],
    ['', '6', '-2', '1.0', '1e0', ' 1', '0x1'],
  )
  check(
    parseCpus,
    [
      ['1.5', 1.5e9],
      ['.5', 5e8],
      ['0.01', 1e7],
    ],
    ['', '0', '0.001', '-1', '1e1', '1.', 'x'],
  )
  check(
    parseUmask,
    [
      ['0027', 0o27],
      ['777', 0o777],
    ],
    ['', '8', '1777', '-1'],
  )
  check(parseCpuset, [['0-2,4', '0-2,4']], ['', ',', '0-', '-1', 'all', '0;1'])
})

// Fault list, b3 41.
test('names', () => {
  check(
    parseContainerName,
    [['web-1.a_b', 'web-1.a_b']],
    [...['', 'a', '-ab', '.ab', 'a/b', '..', 'a b', 'a\nb', 'ä1', 'x'.repeat(129)]],
  )
  check(
    parseHostname,
    [
      ['a', 'a'],
      ['web_1.example.test', 'web_1.example.test'],
    ],
    ['', '-a', 'a-', 'a..b', 'a/b', 'a\nb', 'a b', 'x'.repeat(65)],
  )
  check(
    parseUser,
    [
      ['', ''],
      ['anna', 'anna'],
      ['1:2', '1:2'],
    ],
    ['a b', 'a:b:c', 'a\n', 'a:'],
  )
  check(parseCgroupParent, [['/a/b', '/a/b']], ['', '..', 'a/../../b', 'system.slice'])
  check(
    parseNetwork,
    [
      ['bridge', { attachment: { name: 'bridge', aliases: [] } }],
      ['default', { attachment: { name: 'bridge', aliases: [] } }],
      ['host', { mode: 'host' }],
      ['none', { mode: 'none' }],
      ['container:web', { mode: 'container:web' }],
      ['ns:/run/netns/x', { mode: 'ns:/run/netns/x' }],
      ['mine', { attachment: { name: 'mine', aliases: [] } }],
      [
        'name=mine,alias=a,alias=b,ip=10.0.0.2,mac-address=02-42-AC-11-00-02',
        {
          attachment: {
            name: 'mine',
            aliases: ['a', 'b'],
            address: '10.0.0.2',
            macAddress: '02:42:ac:11:00:02',
          },
        },
      ],
    ],
    [
      '',
      'container:',
      'ns:',
      'ns:x',
      '../x',
      'a/b',
      'a\nb',
      '-x',
      '..',
      'ns:../x',
      'name=',
      'alias=x',
      'name=a,colour=red',
    ],
  )
  check(
    parseMacAddress,
    [['02:42:AC:11:00:02', '02:42:ac:11:00:02']],
    ['', '02:42', '01:00:00:00:00:00', '02:42:ac:11:00:zz'],
  )
})

test('modes of namespaces', () => {
  check(
    parsePidMode,
    [
      ['host', 'host'],
      ['private', 'private'],
      ['container:web', 'container:web'],
    ],
    ['', 'container:', 'shareable', 'web'],
  )
  check(
    parseIpcMode,
    [
      ['shareable', 'shareable'],
      ['none', 'none'],
      ['container:web', 'container:web'],
    ],
    ['', 'container:', 'web'],
  )
  check(parseUsernsMode, [['host', 'host']], ['', 'auto', 'keep-id', 'private'])
})

test('limits of disks', () => {
  check(
    parseBlockWeight,
    [
      ['0', 0],
      ['10', 10],
      ['1000', 1000],
    ],
    ['', '9', '1001', '-1', '1.5', 'x'],
  )
  check(
    parseDeviceWeight,
    [['/dev/sda:200', { path: '/dev/sda', value: 200 }]],
    ['', '/dev/sda', '/dev/sda:', '/dev/sda:9', 'sda:200', '/dev/:200', '/dev/sda:200:1'],
  )
  check(
    parseDeviceBytes,
    [
      ['/dev/sda:1mb', { path: '/dev/sda', value: 1024 ** 2 }],
      ['/dev/mapper/x:1024', { path: '/dev/mapper/x', value: 1024 }],
    ],
    ['/dev/sda:0', '/dev/sda:-1', '/dev/sda:x', '/etc/passwd:1'],
  )
  check(
    parseDeviceOperations,
    [['/dev/sda:100', { path: '/dev/sda', value: 100 }]],
    ['/dev/sda:0', '/dev/sda:1k', '/dev/sda:-1'],
  )
})

test('rules for devices', () => {
  check(
    parseDeviceRule,
    [
      ['c 1:3 rwm', { type: 'c', major: 1, minor: 3, access: 'rwm' }],
      ['b 8:* r', { type: 'b', major: 8, minor: undefined, access: 'r' }],
      ['a *:* rwm', { type: 'a', major: undefined, minor: undefined, access: 'rwm' }],
    ],
    ['', 'c', 'd 1:3 r', 'c 1:3', 'c 1:3 x', 'c 1 r', 'c 1:3 rwmr', 'c -1:3 r'],
  )
})

test('name servers and hosts', () => {
  check(
    parseDnsServer,
    [
      ['9.9.9.9', '9.9.9.9'],
      ['2001:db8::1', '2001:db8::1'],
    ],
    ['', 'dns.test', '9.9.9', '9.9.9.9:53', '[::1]'],
  )
  check(
    parseDnsSearch,
    [
      ['example.com', 'example.com'],
      ['_tcp.a-b.test.', '_tcp.a-b.test.'],
      ['.', '.'],
      ['', '.'],
    ],
    ['a b', 'a..b', '-a.test', 'x\ny', 'ä.test'],
  )
  check(
    parseDnsOption,
    [
      ['ndots:2', 'ndots:2'],
      ['rotate', 'rotate'],
    ],
    ['', 'ndots:', 'ndots:x', 'a b', 'rotate\n'],
  )
  check(
    parseExtraHost,
    [
      ['web:10.0.0.1', { name: 'web', address: '10.0.0.1' }],
      ['web=10.0.0.1', { name: 'web', address: '10.0.0.1' }],
      ['web:2001:db8::1', { name: 'web', address: '2001:db8::1' }],
      ['web:[::1]', { name: 'web', address: '::1' }],
      ['me=host-gateway', { name: 'me', address: 'host-gateway' }],
    ],
    ['', 'web', 'web:', ':1.2.3.4', 'web:1.2.3', 'a b:1.2.3.4', 'web:x', '#:1.2.3.4'],
  )
})

test('files of the cgroup', () => {
  check(
    parseCgroupFile,
    [
      ['memory.high=64M', ['memory.high', '64M']],
      ['hugetlb.2MB.max=1', ['hugetlb.2MB.max', '1']],
    ],
    ['', 'memory.high', 'memory.high=', '=1', '../x.y=1', 'memory=1', 'a/b.c=1'],
  )
})

test('capabilities', () => {
  check(
    parseCapability,
    [
      ['net_admin', 'CAP_NET_ADMIN'],
      ['CAP_SYS_TIME', 'CAP_SYS_TIME'],
      ['all', 'ALL'],
    ],
    ['', 'CAP_', 'CAP_ALL', 'root'],
  )
})

test('devices', () => {
  const fuse = { hostPath: '/dev/fuse', containerPath: '/dev/fuse', access: 'rwm' }
  check(
    parseDevice,
    [
      ['/dev/fuse', fuse],
      ['/dev/fuse:rw', { ...fuse, access: 'rw' }],
      ['/dev/fuse:/dev/f', { ...fuse, containerPath: '/dev/f' }],
      ['/dev/fuse:/dev/f:r', { ...fuse, containerPath: '/dev/f', access: 'r' }],
    ],
    ['', 'fuse', '/', '/dev/fuse:', '/dev/fuse:x', '/dev/fuse:/dev/f:rr', '/a:/b:/c:r'],
  )
})

test('limits', () => {
  check(
    parseUlimit,
    [
      ['nofile=10', { name: 'nofile', soft: 10, hard: 10 }],
      ['nofile=10:20', { name: 'nofile', soft: 10, hard: 20 }],
      ['core=-1', { name: 'core', soft: -1, hard: -1 }],
      ['core=0:unlimited', { name: 'core', soft: 0, hard: -1 }],
    ],
    [
      '',
      'nofile',
      'nofile=',
      'files=1',
      'nofile=2:1',
      'core=-1:5',
      'nofile=1:2:3',
      'nofile=x',
      'nofile=-2',
    ],
  )
})

test('settings of namespaces', () => {
  check(
    parseSysctl,
    [
      ['net.core.somaxconn=5', ['net.core.somaxconn', '5']],
      ['kernel/msgmax=5', ['kernel.msgmax', '5']],
      ['net.ipv4.ping_group_range=0 5', ['net.ipv4.ping_group_range', '0 5']],
      ['fs.mqueue.msg_max=', ['fs.mqueue.msg_max', '']],
    ],
    ['', 'net.x', '=1', 'vm.swappiness=1', 'kernel.sysrq=1', 'net.../x=1', 'net./../vm.x=1'],
  )
})

test('environment entries take values from the caller; of a file, they fall away without', () => {
  const caller = { A: 'caller', B: '' }
  const entries = ['A', 'B', 'C', 'A=own', 'D=']
  const resolved = ['A=caller', 'B=', 'A=own', 'D=']
  assert.deepEqual(resolveEnv({ files: entries, flags: [] }, caller), resolved)
  assert.deepEqual(
    resolveEnv({ files: ['C'], flags: entries }, caller),
    resolved.toSpliced(2, 0, 'C'),
  )
  assert.deepEqual(keyValues(['a', 'b=1', 'b=2=3']), { a: '', b: '2=3' })
})
