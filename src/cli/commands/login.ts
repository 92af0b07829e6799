import { readFileSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { hasCode, TsctrError } from '../../errors.ts'
import { parseRegistry } from '../../oci/reference.ts'
import type { RegistryClient } from '../../registry/client.ts'
import { locateLogin } from '../../registry/credential-files.ts'
import { hubServer, type ProvableLogin } from '../../registry/credentials.ts'
import { saveCredential } from '../../registry/save-credential.ts'
import { type Context, withContext } from '../context.ts'
import { interruptible } from '../interrupt.ts'
import { promptHidden, promptLine } from '../prompt.ts'
import { certDirHelp, parseCertDir } from '../registry-flags.ts'

interface LoginFlags {
  readonly username?: string
  readonly password?: string
  readonly passwordStdin?: boolean
  readonly authfile?: string
  readonly certDir?: string
}

export function addLoginCommand(parent: Command): void {
  parent
    .command('login [server]')
    .description('Log in to a registry; Docker Hub unless one is named')
    .option('-u, --username <name>', 'user; asked for on a terminal')
    .option('-p, --password <password>', 'password or token, for all who may run ps to see')
    .option('--password-stdin', 'take the password from stdin')
    .option('--cert-dir <directory>', certDirHelp, parseCertDir)
    .option('--authfile <file>', 'file to save to (env REGISTRY_AUTH_FILE)')
    .action((server: string | undefined, flags: LoginFlags, command: Command) =>
      withContext(command, async (ctx) => {
        checkFlags(flags)
        const registry = server === undefined ? 'docker.io' : parseRegistry(server)
        const env = loginEnvironment(flags.authfile)
        if (flags.password !== undefined) {
          const warning = 'WARNING! Using --password via the CLI is insecure. Use --password-stdin.'
          ctx.stderr.line(warning)
        }
        if (flags.certDir !== undefined) ctx.configureRegistry({ certDir: flags.certDir })
        const client = await ctx.registry()
        try {
          await logIn(ctx, client, registry, flags, env)
        } finally {
          client.close()
        }
        ctx.stdout.line('Login Succeeded')
      }),
    )
}

/** This process's environment; `--authfile` is the flag for one of its variables. */
export function loginEnvironment(authfile: string | undefined): NodeJS.ProcessEnv {
  return authfile === undefined ? process.env : { ...process.env, REGISTRY_AUTH_FILE: authfile }
}

/** Source: docker/cli login, verifyLoginOptions */
function checkFlags(flags: LoginFlags): void {
  if (flags.passwordStdin !== true) return
  if (flags.password !== undefined)
    throw misuse('--password and --password-stdin: give one of them')
  if (flags.username === undefined) throw misuse('--password-stdin: needs --username')
}

async function logIn(
  ctx: Context,
  client: RegistryClient,
  registry: string,
  flags: LoginFlags,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const prove = (login: ProvableLogin): Promise<ProvableLogin> =>
    interruptible((signal) => client.checkLogin(registry, login, signal))
  const isAsking = flags.username === undefined && flags.password === undefined
  if (isAsking && (await hasValidLogin(ctx, prove, registry, env))) return
  const login = await prove(await readLogin(ctx, registry, flags))
  const { path, isInFile } = await saveCredential(registry, login, env)
  if (isInFile) ctx.stderr.line(plainTextWarning(path))
  await warnOfOther(ctx, registry, login, path, env)
}

/** Like docker's: a login that is saved and still good need not be typed again. */
async function hasValidLogin(
  ctx: Context,
  prove: (login: ProvableLogin) => Promise<unknown>,
  registry: string,
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  const found = await locateLogin(registry, '', env)
  const { username, credential } = found?.login ?? {}
  if (username === undefined || credential === undefined || credential.kind === 'registryToken') {
    return false
  }
  const user = username === '' ? '' : ` [Username: ${username}]`
  ctx.stdout.line(`Authenticating with existing credentials...${user}`)
  try {
    await prove({ username, credential })
    return true
  } catch (error) {
    if (!hasCode(error, 'UNAUTHORIZED')) throw error
    ctx.stderr.line(`Login did not succeed, error: ${error.message}`)
    return false
  }
}

async function readLogin(
  ctx: Context,
  registry: string,
  flags: LoginFlags,
): Promise<ProvableLogin> {
  const piped = flags.passwordStdin === true ? passwordFromStdin() : flags.password
  const isAsking = flags.username === undefined || piped === undefined
  if (isAsking && !isatty(0)) {
    throw misuse(
      `${registry}: stdin is no terminal to ask on`,
      'use --username and --password-stdin',
    )
  }
  const username = flags.username ?? promptLine(ctx.stdout, 'Username: ')
  if (username === '') throw misuse(`${registry}: the user name is empty`)
  const secret = piped ?? (await promptHidden(ctx.stdout, 'Password: '))
  if (secret === '') throw misuse(`${registry}: the password is empty`)
  return { username, credential: { kind: 'password', username, secret } }
}

function passwordFromStdin(): string {
  return readFileSync(0, 'utf8').replace(/\r?\n$/, '')
}

// Source: docker/cli, configfile/credentials unencryptedWarning
function plainTextWarning(path: string): string {
  return [
    '',
    `WARNING! Your credentials are stored unencrypted in '${path}'.`,
    'Configure a credential helper to remove this warning. See',
    'https://docs.docker.com/go/credential-store/',
    '',
  ].join('\n')
}

/** A file that is read before the one that was written may have another login. */
async function warnOfOther(
  ctx: Context,
  registry: string,
  saved: ProvableLogin,
  path: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const found = await locateLogin(registry, '', env)
  if (found === undefined || found.path === path) return
  if (found.login.credential.secret === saved.credential.secret) return
  const name = registry === 'docker.io' ? hubServer : registry
  ctx.stderr.line(`WARNING: ${found.path} has another login for ${name}, and is read first`)
}

function misuse(message: string, hint = 'tsctr login --help'): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `login: ${message}`, { hint })
}
