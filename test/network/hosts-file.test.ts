import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type HostsFileRequest, hostsFileText } from '../../src/network/hosts-file.ts'

const request: HostsFileRequest = {
  networkKind: 'own',
  hostFile: '127.0.0.1 localhost\n10.0.0.9 printer',
  hostname: 'web',
  ownAddresses: ['10.116.0.2'],
  extraHosts: [],
}

describe('/etc/hosts of a container', () => {
  test('names localhost and the container', () => {
    assert.equal(
      hostsFileText(request),
      [
        '127.0.0.1\tlocalhost',
        '::1\tlocalhost ip6-localhost ip6-loopback',
        'fe00::\tip6-localnet',
        'ff00::\tip6-mcastprefix',
        'ff02::1\tip6-allnodes',
        'ff02::2\tip6-allrouters',
        '10.116.0.2\tweb',
        '',
      ].join('\n'),
    )
  })

  test('gives the full name first where there is a domain', () => {
    const text = hostsFileText({ ...request, domainname: 'example.org' })
    assert.ok(text.endsWith('\n10.116.0.2\tweb.example.org web\n'))
  })

  test('puts what the user added before the own name', () => {
    const text = hostsFileText({
      ...request,
      extraHosts: [{ address: '192.0.2.7', names: ['db'] }],
    })
    const end = '\n192.0.2.7\tdb\n10.116.0.2\tweb\n'
    assert.ok(text.endsWith(end))
  })

  test('puts the address of the host for host-gateway, and leaves it out where there is none', () => {
    const extraHosts = [{ address: 'host-gateway', names: ['up'] }]
    assert.match(
      hostsFileText({ ...request, extraHosts, hostGateway: '10.116.0.1' }),
      /^10\.116\.0\.1\tup$/m,
    )
    assert.doesNotMatch(hostsFileText({ ...request, extraHosts }), /up/)
  })

  test("is the host's with the host's network, and what the user added", () => {
    const extraHosts = [{ address: '192.0.2.7', names: ['db'] }]
    assert.equal(
      hostsFileText({ ...request, networkKind: 'host', extraHosts }),
      '127.0.0.1 localhost\n10.0.0.9 printer\n192.0.2.7\tdb\n',
    )
  })

  test('has no line for the container without a network', () => {
    const text = hostsFileText({ ...request, networkKind: 'none', ownAddresses: [] })
    assert.doesNotMatch(text, /web/)
    assert.match(text, /^127\.0\.0\.1\tlocalhost$/m)
  })
})
