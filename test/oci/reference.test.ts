import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TsctrError } from '../../src/errors.ts'
import {
  canonicalName,
  familiarName,
  familiarRepository,
  parseReference,
} from '../../src/oci/reference.ts'

const hex = 'ab'.repeat(32)
const digest = `sha256:${hex}`
const longPart = 'a'.repeat(128)

// What a user types, the name it is stored under, and the name docker shows.
const good: [text: string, canonical: string, familiar: string][] = [
  ['redis', 'docker.io/library/redis:latest', 'redis:latest'],
  ['redis:alpine', 'docker.io/library/redis:alpine', 'redis:alpine'],
  ['redis:7.2-alpine_x', 'docker.io/library/redis:7.2-alpine_x', 'redis:7.2-alpine_x'],
  ['redis:UPPER', 'docker.io/library/redis:UPPER', 'redis:UPPER'],
  ['redis:_', 'docker.io/library/redis:_', 'redis:_'],
  [`redis:${longPart}`, `docker.io/library/redis:${longPart}`, `redis:${longPart}`],
  ['library/redis', 'docker.io/library/redis:latest', 'redis:latest'],
  ['docker.io/redis', 'docker.io/library/redis:latest', 'redis:latest'],
  ['docker.io/library/redis:6', 'docker.io/library/redis:6', 'redis:6'],
  ['index.docker.io/redis', 'docker.io/library/redis:latest', 'redis:latest'],
  ['index.docker.io/library/redis', 'docker.io/library/redis:latest', 'redis:latest'],
  ['index.docker.io/me/app:1', 'docker.io/me/app:1', 'me/app:1'],
  ['docker.io/me/app', 'docker.io/me/app:latest', 'me/app:latest'],
  ['me/app', 'docker.io/me/app:latest', 'me/app:latest'],
  ['me/app:v1.0.0', 'docker.io/me/app:v1.0.0', 'me/app:v1.0.0'],
  ['a/b/c', 'docker.io/a/b/c:latest', 'a/b/c:latest'],
  ['docker/docker', 'docker.io/docker/docker:latest', 'docker/docker:latest'],
  ['docker.io/library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
  ['library', 'docker.io/library/library:latest', 'library:latest'],
  // Without a slash nothing is a host.
  ['localhost', 'docker.io/library/localhost:latest', 'localhost:latest'],
  ['localhost:5000', 'docker.io/library/localhost:5000', 'localhost:5000'],
  ['example.com', 'docker.io/library/example.com:latest', 'example.com:latest'],
  ['example.com:8080', 'docker.io/library/example.com:8080', 'example.com:8080'],
  ['127.0.0.1', 'docker.io/library/127.0.0.1:latest', '127.0.0.1:latest'],
  ['test_com:1', 'docker.io/library/test_com:1', 'test_com:1'],
  // Hosts.
  ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
  ['localhost:5000/app', 'localhost:5000/app:latest', 'localhost:5000/app:latest'],
  ['localhost/library/app:1', 'localhost/library/app:1', 'localhost/library/app:1'],
  [
    '127.0.0.1:5000/docker/docker',
    '127.0.0.1:5000/docker/docker:latest',
    '127.0.0.1:5000/docker/docker:latest',
  ],
  ['192.168.1.1/repo', '192.168.1.1/repo:latest', '192.168.1.1/repo:latest'],
  ['ghcr.io/me/app:1', 'ghcr.io/me/app:1', 'ghcr.io/me/app:1'],
  ['quay.io/redis', 'quay.io/redis:latest', 'quay.io/redis:latest'],
  ['host:1/x', 'host:1/x:latest', 'host:1/x:latest'],
  ['host:65535/x', 'host:65535/x:latest', 'host:65535/x:latest'],
  ['test.com:8080/a/b:tag', 'test.com:8080/a/b:tag', 'test.com:8080/a/b:tag'],
  ['a.b.c.d/e', 'a.b.c.d/e:latest', 'a.b.c.d/e:latest'],
  [
    'sub-dom1.foo.com/bar/baz/quux',
    'sub-dom1.foo.com/bar/baz/quux:latest',
    'sub-dom1.foo.com/bar/baz/quux:latest',
  ],
  ['a-a/a', 'docker.io/a-a/a:latest', 'a-a/a:latest'],
  [
    'xn--n3h.com/myimage:xn--n3h.com',
    'xn--n3h.com/myimage:xn--n3h.com',
    'xn--n3h.com/myimage:xn--n3h.com',
  ],
  ['xn--7o8h.com:5000/x', 'xn--7o8h.com:5000/x:latest', 'xn--7o8h.com:5000/x:latest'],
  // Upper case is for hosts only, and makes the first part one.
  ['FOO/bar', 'FOO/bar:latest', 'FOO/bar:latest'],
  ['Foo.com/bar:1', 'Foo.com/bar:1', 'Foo.com/bar:1'],
  ['HOST:5000/x', 'HOST:5000/x:latest', 'HOST:5000/x:latest'],
  ['LOCALHOST/x', 'LOCALHOST/x:latest', 'LOCALHOST/x:latest'],
  // IPv6.
  ['[::1]:5000/repo', '[::1]:5000/repo:latest', '[::1]:5000/repo:latest'],
  ['[::1]/repo:tag', '[::1]/repo:tag', '[::1]/repo:tag'],
  ['[2001:db8::1]/repo', '[2001:db8::1]/repo:latest', '[2001:db8::1]/repo:latest'],
  [
    '[2001:DB8:1:2:3:4:5:6]:80/a/b',
    '[2001:DB8:1:2:3:4:5:6]:80/a/b:latest',
    '[2001:DB8:1:2:3:4:5:6]:80/a/b:latest',
  ],
  [
    `[2001:db8::1]:5000/repo@${digest}`,
    `[2001:db8::1]:5000/repo@${digest}`,
    `[2001:db8::1]:5000/repo@${digest}`,
  ],
  // Digests: the tag stays for display only, and no latest is added.
  [`redis@${digest}`, `docker.io/library/redis@${digest}`, `redis@${digest}`],
  [`redis:alpine@${digest}`, `docker.io/library/redis@${digest}`, `redis:alpine@${digest}`],
  [`me/app@${digest}`, `docker.io/me/app@${digest}`, `me/app@${digest}`],
  [`localhost:5000/a:b@${digest}`, `localhost:5000/a@${digest}`, `localhost:5000/a:b@${digest}`],
  // 64 hex digits are an ID only alone.
  [hex.slice(1), `docker.io/library/${hex.slice(1)}:latest`, `${hex.slice(1)}:latest`],
  [`${hex}a`, `docker.io/library/${hex}a:latest`, `${hex}a:latest`],
  [`${hex}:tag`, `docker.io/library/${hex}:tag`, `${hex}:tag`],
  [`me/${hex}`, `docker.io/me/${hex}:latest`, `me/${hex}:latest`],
  // Separators inside a part.
  ['a.b/c', 'a.b/c:latest', 'a.b/c:latest'],
  ['foo_bar/baz', 'docker.io/foo_bar/baz:latest', 'foo_bar/baz:latest'],
  ['foo__bar/baz', 'docker.io/foo__bar/baz:latest', 'foo__bar/baz:latest'],
  ['foo---bar/baz', 'docker.io/foo---bar/baz:latest', 'foo---bar/baz:latest'],
  ['foo/a.b_c-d__e', 'docker.io/foo/a.b_c-d__e:latest', 'foo/a.b_c-d__e:latest'],
  ['0/1/2', 'docker.io/0/1/2:latest', '0/1/2:latest'],
  [
    `h.io/${'a/'.repeat(127)}a`,
    `h.io/${'a/'.repeat(127)}a:latest`,
    `h.io/${'a/'.repeat(127)}a:latest`,
  ],
]

const upperCase = /must be lowercase/
// Fault list, b3 40.
const bad: [text: string, why: RegExp][] = [
  ['', /bad repository name/],
  [' ', /bad repository name/],
  [':tag', /bad repository name/],
  [`@${digest}`, /bad repository name/],
  ['/redis', /bad repository name/],
  ['redis/', /bad repository name/],
  ['docker.io/', /bad repository name/],
  ['localhost:5000/', /bad repository name/],
  ['a//b', /bad repository name/],
  ['a/../b', /bad registry host|bad repository name/],
  ['..', /bad repository name/],
  ['../x', /bad registry host/],
  ['./x', /bad registry host/],
  ['a..b/x', /bad registry host/],
  ['x/a..b', /bad repository name/],
  ['x/a._b', /bad repository name/],
  ['x/a___b', /bad repository name/],
  ['_a/b', /bad repository name/],
  ['-a/b', /bad repository name/],
  ['-redis', /bad repository name/],
  ['--help', /bad repository name/],
  ['redis-', /bad repository name/],
  ['a-/b', /bad repository name/],
  ['-host.com/x', /bad registry host/],
  ['host-.com/x', /bad registry host/],
  ['host_x.com/x', /bad registry host/],
  ['.host.com/x', /bad registry host/],
  ['Redis', upperCase],
  ['Redis:alpine', upperCase],
  ['me/App', upperCase],
  ['localhost:5000/Upper/lower', upperCase],
  ['aa/asdf$$^/aa', /bad repository name/],
  ['https://docker.io/redis', /bad registry host/],
  ['docker://redis', /bad registry host/],
  ['user@host.com/x', /bad registry host/],
  ['user:pw@host/x', /bad registry host/],
  ['me/app%2e%2e', /bad repository name/],
  ['redis\0', /bad repository name/],
  ['redis\n', /bad repository name/],
  ['redis:tag\n', /bad tag/],
  ['red is', /bad repository name/],
  ['café', /bad repository name/],
  ['redis:', /bad tag/],
  ['redis:-tag', /bad tag/],
  ['redis:.tag', /bad tag/],
  ['redis:a:b', /bad tag/],
  ['redis:a/b', /bad registry host|bad repository name|port/],
  [`redis:${longPart}a`, /bad tag/],
  ['host:99999/x', /port 99999/],
  ['host:0/x', /port 0/],
  ['host:/x', /bad registry host/],
  ['host:port/x', /bad registry host/],
  ['[::1/x', /bad registry host/],
  ['::1/x', /bad registry host/],
  ['[fe80::1%eth0]:5000/x', /bad registry host/],
  ['[2001:db8::192.0.2.33]:5000/x', /bad registry host/],
  ['[::1]:x/y', /bad registry host/],
  ['[]/x', /bad repository name/],
  [hex, /64-byte hexadecimal/],
  [`redis@${hex}`, /digest/],
  ['redis@sha256:abc', /digest/],
  [`redis@sha256:${hex.toUpperCase()}`, /digest/],
  [`redis@sha256:${hex}0`, /digest/],
  [`redis@${digest}@${digest}`, /digest/],
  [`redis@${digest}:tag`, /digest/],
  ['redis@', /digest/],
  ['redis@sha256:../../../etc/passwd', /bad registry host/],
  [`h.io/${'a/'.repeat(128)}a`, /more than 255/],
  ['a'.repeat(256), /more than 255/],
  ['a'.repeat(100_000), /too long/],
]

test('a reference gets every default and both of its texts', () => {
  for (const [text, canonical, familiar] of good) {
    const reference = parseReference(text)
    assert.equal(canonicalName(reference), canonical, text)
    assert.equal(familiarName(reference), familiar, text)
  }
})

test('the canonical and the familiar text name the same image again', () => {
  for (const [text, canonical] of good) {
    const reference = parseReference(text)
    assert.deepEqual(canonicalName(parseReference(canonical)), canonical, text)
    assert.deepEqual(parseReference(familiarName(reference)), reference, text)
  }
})

test('what the grammar lacks is refused with the reason', () => {
  for (const [text, why] of bad) {
    assert.throws(
      () => parseReference(text),
      (error: unknown) => {
        assert.ok(error instanceof TsctrError, text)
        assert.equal(error.code, 'INVALID_ARGUMENT', text)
        assert.match(error.message, why, text)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not reach a terminal
        assert.doesNotMatch(error.message, /[\x00-\x1f\x7f]/, text)
        return true
      },
    )
  }
})

test('a digest of another algorithm is told apart from a malformed one', () => {
  assert.throws(() => parseReference(`redis@sha512:${hex}${hex}`), { code: 'UNSUPPORTED' })
})

test('the familiar name has neither tag nor digest', () => {
  assert.equal(familiarRepository(parseReference('redis:alpine')), 'redis')
  assert.equal(familiarRepository(parseReference(`ghcr.io/me/app:1@${digest}`)), 'ghcr.io/me/app')
})
