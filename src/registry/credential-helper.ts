import { TsctrError } from '../errors.ts'
import { completeProgram, type ProgramResult, programError } from '../host/exec.ts'
import { optionalString } from '../oci/json-document.ts'
import { type CredentialKeeper, parseSecretJson } from './credential-config.ts'
import type { Login, ProvableLogin } from './credentials.ts'

const timeoutMs = 60_000
const tokenUser = '<token>'

/**
 * Ask a `docker-credential-NAME` program.
 *
 * @returns  undefined if it has nothing for the server
 * @throws   FAILED_PRECONDITION if there is no such program, RUNTIME_FAILED if it fails
 * Source: docker/docker-credential-helpers §development
 */
export async function getFromHelper(
  keeper: CredentialKeeper,
  env: NodeJS.ProcessEnv,
): Promise<Login | undefined> {
  const result = await run(keeper.helper, 'get', keeper.server, env)
  if (result === undefined) return undefined
  const program = programName(keeper.helper)
  const answer = parseSecretJson(Buffer.from(result.stdout), program)
  const username = optionalString(answer, 'Username', program)
  const secret = optionalString(answer, 'Secret', program)
  if (!username || !secret) return undefined
  if (username === tokenUser) return { username: '', credential: { kind: 'identityToken', secret } }
  return { username, credential: { kind: 'password', username, secret } }
}

/** Have a helper keep a login. @throws as getFromHelper does */
export async function storeInHelper(
  keeper: CredentialKeeper,
  { credential }: ProvableLogin,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const Username = credential.kind === 'identityToken' ? tokenUser : credential.username
  const entry = { ServerURL: keeper.server, Username, Secret: credential.secret }
  await run(keeper.helper, 'store', JSON.stringify(entry), env)
}

/** Have a helper forget a login; one that it never had is forgotten. @throws as getFromHelper does */
export async function eraseInHelper(
  keeper: CredentialKeeper,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  await run(keeper.helper, 'erase', keeper.server, env)
}

/** @returns  undefined if the helper has nothing of that name */
async function run(
  helper: string,
  action: 'get' | 'store' | 'erase',
  input: string,
  env: NodeJS.ProcessEnv,
): Promise<ProgramResult | undefined> {
  const program = programName(helper)
  const result = await completeProgram(program, [action], { input, env, timeoutMs })
  if (result.exitCode === 0) return result
  // Helpers tell of a missing entry on stdout, in these words.
  if (action !== 'store' && result.stdout.includes('credentials not found')) return undefined
  throw programError(program, [action], result)
}

function programName(helper: string): string {
  if (/^[\w.-]+$/.test(helper)) return `docker-credential-${helper}`
  throw new TsctrError('INVALID_ARGUMENT', `credential helper ${JSON.stringify(helper)}: bad name`)
}
