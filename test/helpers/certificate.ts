import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CertificateOptions {
  /** `DNS:reg.example,IP:127.0.0.1` */
  readonly altNames: string
  /** openssl's form, `20200101000000Z`; a month from now unless given. */
  readonly validUntil?: string
  /** Who vouches for it; itself unless given. Not together with `validUntil`. */
  readonly authority?: Certificate
}

export interface Certificate {
  readonly certificatePath: string
  readonly keyPath: string
  readonly cert: string
  readonly key: string
}

/** A certificate: `NAME.crt` and `NAME.key` in a directory. */
export function makeCertificate(
  directory: string,
  name: string,
  options: CertificateOptions,
): Certificate {
  const [certificatePath, keyPath] = [
    join(directory, `${name}.crt`),
    join(directory, `${name}.key`),
  ]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${options.altNames}`]
  const request = ['req', '-new', ...key, ...names, '-keyout', keyPath]
  if (options.validUntil === undefined) {
    const { authority } = options
    const issuer =
      authority === undefined ? [] : ['-CA', authority.certificatePath, '-CAkey', authority.keyPath]
    const made = [...request, '-x509', ...issuer, '-days', '30', '-out', certificatePath]
    execFileSync('openssl', made, { stdio: 'ignore' })
  } else {
    signUntil(directory, name, request, certificatePath, options.validUntil)
  }
  return {
    certificatePath,
    keyPath,
    cert: readFileSync(certificatePath, 'utf8'),
    key: readFileSync(keyPath, 'utf8'),
  }
}

/** Debian's openssl gives another end than so many days only by way of a database. */
function signUntil(
  directory: string,
  name: string,
  request: readonly string[],
  certificatePath: string,
  validUntil: string,
): void {
  const requestPath = join(directory, `${name}.csr`)
  execFileSync('openssl', [...request, '-out', requestPath], { stdio: 'ignore' })
  const script = `
    cd "$1" && : > "$2.index" && echo 01 > "$2.serial"
    printf '%s\\n' '[ca]' 'default_ca=own' '[own]' "database=$2.index" "serial=$2.serial" \\
      'new_certs_dir=.' 'default_md=sha256' 'policy=any' 'copy_extensions=copy' \\
      '[any]' 'commonName=supplied' > "$2.cnf"
    openssl ca -batch -config "$2.cnf" -selfsign -keyfile "$2.key" -in "$2.csr" -out "$3" \\
      -startdate 20190101000000Z -enddate "$4" -notext`
  const args = ['-c', script, 'sh', directory, name, certificatePath, validUntil]
  execFileSync('sh', args, { stdio: 'ignore' })
}
