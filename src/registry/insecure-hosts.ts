import { BlockList, isIP } from 'node:net'
import { TsctrError } from '../errors.ts'

/**
 * Whether a URL's host is named, or lies in a network that is.
 *
 * @param insecureRegistries  `lab:5000`, `10.0.0.0/8`
 * @throws                    INVALID_ARGUMENT for a network that is none
 * Source: dockerd --insecure-registry
 */
export function isInsecureHost(url: URL, insecureRegistries: readonly string[]): boolean {
  return insecureRegistries.some((entry) => {
    const network = networkOf(entry)
    if (network === undefined) return hostOf(entry) === url.host
    const address = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const version = isIP(address)
    return version !== 0 && network.check(address, version === 4 ? 'ipv4' : 'ipv6')
  })
}

function hostOf(entry: string): string | undefined {
  const text = `https://${entry}`
  return URL.canParse(text) ? new URL(text).host : undefined
}

function networkOf(text: string): BlockList | undefined {
  const [, address = '', bits = ''] = /^(.+)\/(\d+)$/.exec(text) ?? []
  if (address === '') return undefined
  const version = isIP(address)
  if (version === 0 || Number(bits) > (version === 4 ? 32 : 128)) {
    throw new TsctrError('INVALID_ARGUMENT', `--insecure-registry ${text}: no such network`)
  }
  const network = new BlockList()
  network.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6')
  return network
}
