import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import { isErrno } from '../errors.ts'

// Debian and Alpine, Fedora, SUSE, and what OpenSSL itself is told.
const bundlePaths = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

let cached: readonly string[] | undefined

/**
 * Authorities that vouch for a registry: the machine's bundle (`SSL_CERT_FILE` names another), as
 * every other program on it trusts, and NODE_EXTRA_CA_CERTS. Node's own list only where the machine
 * has none.
 *
 * @returns  PEM texts, each of one or more certificates
 */
export function trustedCas(): readonly string[] {
  cached ??= [
    systemBundle() ?? tls.getCACertificates('bundled'),
    tls.getCACertificates('extra'),
  ].flat()
  return cached
}

function systemBundle(): string | undefined {
  const named = process.env.SSL_CERT_FILE
  const paths = named === undefined || named === '' ? bundlePaths : [named]
  for (const path of paths) {
    try {
      return readFileSync(path, 'latin1')
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'EACCES', 'ENOTDIR')) throw error
    }
  }
  return undefined
}
