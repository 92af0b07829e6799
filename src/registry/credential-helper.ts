import { TsctrError } from '../errors.ts'
import { completeProgram, programError } from '../host/exec.ts'
import { optionalString, parseJsonObject } from '../oci/json-document.ts'
import type { Credential } from './credentials.ts'

const timeoutMs = 60_000
const tokenUser = '<token>'

/**
 * Ask a `docker-credential-NAME` program.
 *
 * @returns  undefined if it has nothing for the server
 * @throws   FAILED_PRECONDITION if there is no such program, RUNTIME_FAILED if it fails
 * Source: docker/docker-credential-helpers §development
 */
export async function runCredentialHelper(
  name: string,
  server: string,
  env: NodeJS.ProcessEnv,
): Promise<Credential | undefined> {
  if (!/^[\w.-]+$/.test(name)) {
    throw new TsctrError('INVALID_ARGUMENT', `credential helper ${JSON.stringify(name)}: bad name`)
  }
  const program = `docker-credential-${name}`
  const result = await completeProgram(program, ['get'], { input: server, env, timeoutMs })
  if (result.exitCode !== 0) {
    // Helpers tell of a missing entry on stdout, in these words.
    if (result.stdout.includes('credentials not found')) return undefined
    throw programError(program, ['get'], result)
  }
  const answer = parseJsonObject(Buffer.from(result.stdout), program)
  const username = optionalString(answer, 'Username', program)
  const secret = optionalString(answer, 'Secret', program)
  if (!username || !secret) return undefined
  if (username === tokenUser) return { kind: 'identityToken', secret }
  return { kind: 'password', username, secret }
}
