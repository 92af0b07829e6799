import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ResolvConfRequest, resolvConfText } from '../../src/network/resolv-conf.ts'

const request: ResolvConfRequest = {
  networkKind: 'own',
  hostFile:
    '# by hand\nnameserver 192.0.2.53\nnameserver 127.0.0.1\nsearch a.test b.test\noptions ndots:2\n',
  dns: [],
  search: [],
  options: [],
}

describe('/etc/resolv.conf of a container', () => {
  test("is the host's without servers on loopback", () => {
    assert.equal(
      resolvConfText(request),
      'nameserver 192.0.2.53\nsearch a.test b.test\noptions ndots:2\n',
    )
  })

  test('has the servers behind the stub of systemd-resolved', () => {
    const text = resolvConfText({
      ...request,
      hostFile: 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n',
      systemdFile: 'nameserver 198.51.100.1\nsearch lan\n',
    })
    assert.equal(text, 'nameserver 198.51.100.1\nsearch lan\n')
  })

  test('does not look behind the stub where other servers are named too', () => {
    const text = resolvConfText({
      ...request,
      hostFile: 'nameserver 127.0.0.53\nnameserver 192.0.2.53\n',
      systemdFile: 'nameserver 198.51.100.1\n',
    })
    assert.equal(text, 'nameserver 192.0.2.53\n')
  })

  for (const hostFile of ['', 'nameserver 127.0.0.1\nnameserver ::1\n', 'nameserver 127.0.0.53']) {
    test(`has public servers where none is left of ${JSON.stringify(hostFile)}`, () => {
      assert.equal(
        resolvConfText({ ...request, hostFile }),
        'nameserver 8.8.8.8\nnameserver 8.8.4.4\n',
      )
    })
  }

  test('has IPv6 servers where the network carries IPv6, those of one interface never', () => {
    const hostFile = 'nameserver 2001:db8::53\nnameserver fe80::1%eth0\nnameserver 192.0.2.53\n'
    assert.equal(resolvConfText({ ...request, hostFile }), 'nameserver 192.0.2.53\n')
    assert.equal(
      resolvConfText({ ...request, hostFile, hasIpv6: true }),
      'nameserver 2001:db8::53\nnameserver 192.0.2.53\n',
    )
  })

  test('takes each thing that was asked for in place of the host, loopback servers too', () => {
    assert.equal(
      resolvConfText({ ...request, dns: ['127.0.0.1', '1.1.1.1'] }),
      'nameserver 127.0.0.1\nnameserver 1.1.1.1\nsearch a.test b.test\noptions ndots:2\n',
    )
    assert.equal(
      resolvConfText({ ...request, search: ['c.test'], options: ['rotate'] }),
      'nameserver 192.0.2.53\nsearch c.test\noptions rotate\n',
    )
  })

  test('has no search list where a dot was asked for', () => {
    assert.doesNotMatch(resolvConfText({ ...request, search: ['.'] }), /search/)
  })

  test("is the host's to the byte with the host's network, unless something was asked for", () => {
    const host = { ...request, networkKind: 'host' as const }
    assert.equal(resolvConfText(host), request.hostFile)
    assert.equal(
      resolvConfText({ ...host, options: ['rotate'] }),
      'nameserver 192.0.2.53\nnameserver 127.0.0.1\nsearch a.test b.test\noptions rotate\n',
    )
  })

  test('reads the last of several search and domain lines, and comments of both kinds', () => {
    const hostFile =
      '; one\nsearch a\n  nameserver 192.0.2.1  \ndomain b\n#nameserver 192.0.2.2\noptions x\noptions y\n'
    assert.equal(
      resolvConfText({ ...request, hostFile }),
      'nameserver 192.0.2.1\nsearch b\noptions x y\n',
    )
  })
})
