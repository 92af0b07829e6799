import { TsctrError } from '../errors.ts'
import { Authorizer, type AuthorizerOptions } from './authorizer.ts'
import type { ProvableLogin } from './credentials.ts'
import type { Endpoint } from './endpoint.ts'
import { statusError } from './registry-error.ts'
import type { RetryBudget } from './retry-budget.ts'
import { sendToEndpoint } from './session.ts'
import type { Transport } from './transport.ts'

export interface LoginCheck {
  readonly transport: Transport
  readonly endpoint: Endpoint
  /** The endpoint's base, its scheme settled. */
  readonly base: URL
  readonly registry: string
  readonly send: AuthorizerOptions['send']
  readonly budget: RetryBudget
  readonly signal: AbortSignal
}

/**
 * Prove a login to a registry, as docker does: `/v2/` must answer with 200.
 *
 * @returns  what to save: an identity token where the token service gives one for the password
 * @throws   UNAUTHORIZED, UNAVAILABLE
 * Source: docker/cli login; OCI distribution-spec §endpoints (end-1)
 */
export async function checkLogin(check: LoginCheck, login: ProvableLogin): Promise<ProvableLogin> {
  const { registry, endpoint, signal } = check
  let identityToken: string | undefined
  const authorizer = new Authorizer({
    credentials: { find: async () => login.credential },
    send: check.send,
    credentialWords: 'this user and password',
    onIdentityToken: (secret) => {
      identityToken = secret
    },
  })
  const operand = {
    what: `registry ${registry}`,
    registry,
    host: endpoint.host,
    refusal: 'does not accept this user and password',
  }
  try {
    const response = await sendToEndpoint(
      check.transport,
      authorizer,
      endpoint,
      check.base,
      {
        method: 'GET',
        path: '/',
        headers: {},
        access: { repository: '', actions: 'pull' },
        operand,
        totalTimeoutMs: 60_000,
        signal,
      },
      check.budget,
    )
    if (response.status === 404) {
      throw new TsctrError('NOT_FOUND', `registry ${registry}: has no /v2/: is it a registry?`)
    }
    if (response.status !== 200) throw await statusError(operand, response)
    response.discard()
  } catch (error) {
    throw withoutLoginHint(registry, error)
  }
  if (identityToken === undefined) return login
  return { ...login, credential: { kind: 'identityToken', secret: identityToken } }
}

/** To log in is what the user is doing. */
function withoutLoginHint(registry: string, error: unknown): unknown {
  if (!(error instanceof TsctrError) || error.code !== 'UNAUTHORIZED') return error
  const words = error.message.startsWith('registry ')
    ? error.message
    : `registry ${registry}: ${error.message}`
  return new TsctrError('UNAUTHORIZED', words)
}
