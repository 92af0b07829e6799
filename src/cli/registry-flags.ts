import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { wholeNumber } from '../container/flag-values/number.ts'
import { TsctrError } from '../errors.ts'
import { parseSpanMs } from '../image/time-span.ts'
import type { Context } from './context.ts'
import { single } from './flag-parser.ts'

/** How a command speaks to the registry it is given. Source: podman pull */
export interface RegistryFlags {
  readonly creds?: { readonly username: string; readonly secret: string }
  readonly authfile?: string
  readonly certDir?: string
  /** commander's name for `--no-tls-verify`; docker's parser makes it of `--tls-verify=false`. */
  readonly tlsVerify: boolean
  readonly retry?: number
  readonly retryDelay?: number
}

export function addRegistryFlags(command: Command): Command {
  return command
    .option('--creds <user:password>', 'log in with this, not with what is saved', parseCreds)
    .option('--authfile <path>', 'file of saved logins (env REGISTRY_AUTH_FILE)')
    .option('--cert-dir <directory>', certDirHelp, parseCertDir)
    .option('--tls-verify', 'let the registry prove who it is', true)
    .option('--no-tls-verify', 'speak to whoever answers, plain HTTP too')
    .option(
      '--retry <times>',
      'how often a request that fails is tried again (default: 4)',
      single('--retry', wholeNumber(0, 100)),
    )
    .option(
      '--retry-delay <span>',
      'time between tries, 2s; without it they come ever slower',
      single('--retry-delay', parseSpanMs),
    )
}

/** Have the context's registry client do as the flags say; before its first use. */
export async function useRegistryFlags(
  ctx: Context,
  registry: string,
  flags: RegistryFlags,
): Promise<void> {
  const { creds, authfile, certDir, tlsVerify, retry, retryDelay } = flags
  const isPatient = retry !== undefined || retryDelay !== undefined
  ctx.configureRegistry({
    ...(creds === undefined && authfile === undefined
      ? {}
      : { credentials: await credentialsOf(registry, flags) }),
    ...(certDir === undefined ? {} : { certDir }),
    ...(tlsVerify ? {} : { insecureRegistries: [...ctx.insecureRegistries, registry] }),
    ...(isPatient ? { retryPolicy: await policyOf(retry, retryDelay) } : {}),
  })
}

async function credentialsOf(
  registry: string,
  { creds, authfile }: RegistryFlags,
): Promise<import('../registry/credentials.ts').CredentialSource> {
  const { credentialHost } = await import('../registry/credentials.ts')
  if (creds !== undefined) {
    const own = credentialHost(registry)
    const credential = { kind: 'password', ...creds } as const
    return { find: async (host) => (credentialHost(host) === own ? credential : undefined) }
  }
  const { fileCredentials } = await import('../registry/credential-files.ts')
  return fileCredentials({ ...process.env, REGISTRY_AUTH_FILE: authfile })
}

async function policyOf(
  retry: number | undefined,
  delayMs: number | undefined,
): Promise<import('../registry/retry-budget.ts').RetryPolicy> {
  const { defaultRetryPolicy } = await import('../registry/retry-budget.ts')
  const maxTries = retry === undefined ? defaultRetryPolicy.maxTries : retry + 1
  if (delayMs === undefined) return { ...defaultRetryPolicy, maxTries }
  return {
    ...defaultRetryPolicy,
    maxTries,
    firstWaitMs: delayMs,
    isSteady: true,
    maxStallMs: Math.max(defaultRetryPolicy.maxStallMs, 2 * maxTries * delayMs),
  }
}

export const certDirHelp = 'certificates: *.crt to trust, *.cert with *.key to show'

/** @throws INVALID_ARGUMENT unless it is a directory */
export function parseCertDir(text: string): string {
  if (statSync(text, { throwIfNoEntry: false })?.isDirectory() === true) return resolve(text)
  throw new TsctrError('INVALID_ARGUMENT', `--cert-dir ${text}: no such directory`)
}

function parseCreds(text: string): { username: string; secret: string } {
  const colon = text.indexOf(':')
  if (colon > 0) return { username: text.slice(0, colon), secret: text.slice(colon + 1) }
  // Whatever it is, it may be a password.
  throw new TsctrError('INVALID_ARGUMENT', '--creds: must be USER:PASSWORD')
}
