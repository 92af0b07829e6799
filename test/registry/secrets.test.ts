import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, test } from 'node:test'
import { inspect } from 'node:util'
import { renderError } from '../../src/cli/render/errors.ts'
import { parseReference } from '../../src/oci/reference.ts'
import {
  describe,
  type FakeServer,
  type Handler,
  manifestBytes,
  sendBlob,
  sendManifest,
  startServer,
  testClient,
} from './fake-registry.ts'

// Every secret that may come by on a pull, each of its own, to be looked for in all that is shown.
const secrets = {
  password: 'planted-password',
  identity: 'planted-identity',
  helper: 'planted-helper',
  token: 'planted-token',
  header: 'planted-header',
  signature: 'planted-signature',
  otherLogin: 'planted-other',
  proxy: 'planted-proxy',
} as const
const encoded = Buffer.from(`me:${secrets.password}`).toString('base64')
const anySecret = new RegExp([...Object.values(secrets), encoded, 'cGxhbnRlZ'].join('|'))

let root: string
let registry: FakeServer
let tokenService: FakeServer
let cdn: FakeServer
let mirror: FakeServer
let shown: string[]
let env: NodeJS.ProcessEnv

const blob = Buffer.from('blob')

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsctr-secrets-'))
  shown = []
  env = {
    HOME: root,
    XDG_RUNTIME_DIR: root,
    PATH: join(root, 'bin'),
    HTTPS_PROXY: `http://puser:${secrets.proxy}@127.0.0.1:1`,
  }
  tokenService = await startServer((_request, response) => {
    response.end(JSON.stringify({ token: secrets.token, refresh_token: secrets.identity }))
  })
  cdn = await startServer((request, response) => sendBlob(request, response, blob))
  registry = await startServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${secrets.token}`) {
      const challenge = `Bearer realm="${tokenService.url}/token",service="s"`
      response.writeHead(401, { 'www-authenticate': challenge }).end()
    } else if (request.url.includes('/blobs/')) {
      response.writeHead(307, { location: `${cdn.url}/b?sig=${secrets.signature}` }).end()
    } else sendManifest(response)
  })
  mirror = await startServer((_request, response) => void response.writeHead(404).end())
  const directory = join(root, 'hosts/docker.io')
  mkdirSync(directory, { recursive: true })
  writeFileSync(
    join(directory, 'hosts.toml'),
    `server = "${registry.url}"
     header = { x-key = "${secrets.header}" }
     [host."${mirror.url}"]
    `,
  )
  saveLogins({ [registry.host]: { auth: encoded } })
})

afterEach(async () => {
  await Promise.all([registry, tokenService, cdn, mirror].map((each) => each.close()))
  rmSync(root, { recursive: true, force: true })
})

function saveLogins(auths: Record<string, unknown>, more: object = {}): void {
  mkdirSync(join(root, '.docker'), { recursive: true })
  const other = { auth: Buffer.from(`me:${secrets.otherLogin}`).toString('base64') }
  const config = { auths: { 'other.example': other, ...auths }, ...more }
  writeFileSync(join(root, '.docker/config.json'), JSON.stringify(config))
}

/** A pull as far as a client does it, its errors as `--debug` shows them and then some. */
async function pull(): Promise<void> {
  const { client } = testClient({
    hostsDirs: [join(root, 'hosts')],
    credentials: undefined,
    env,
    trace: (line) => shown.push(line),
    idleTimeoutMs: 300,
  })
  const image = parseReference('redis')
  const steps = [
    () => client.resolve(image),
    () => client.fetchManifest(image, describe(manifestBytes)),
    async () => buffer((await client.openBlob(image, describe(blob), 0)).stream),
    () => client.checkLogin(registry.host, login),
  ]
  for (const step of steps) {
    await step().catch((error: unknown) => {
      shown.push(renderError(error, { debug: true }), inspect(error, { depth: 9 }))
    })
  }
  client.close()
}

const login = {
  username: 'me',
  credential: { kind: 'password', username: 'me', secret: secrets.password },
} as const

/** What a server was sent: URLs, headers, bodies. */
function sentTo(server: FakeServer): string {
  return JSON.stringify(server.requests)
}

test('each secret reaches those it is for, and nobody else', async () => {
  await pull()
  assert.deepEqual(
    shown.filter((text) => text.startsWith('tsctr:')),
    [],
  )
  assert.match(sentTo(tokenService), new RegExp(secrets.password))
  assert.match(sentTo(registry), new RegExp(secrets.token))
  assert.match(sentTo(registry), new RegExp(secrets.header))
  assert.doesNotMatch(sentTo(registry), new RegExp(`${secrets.password}|${encoded}`))
  assert.match(sentTo(cdn), new RegExp(secrets.signature))
  assert.ok(mirror.requests.length > 0)
  for (const [server, allowed] of [
    [mirror, []],
    [cdn, [secrets.signature]],
    [tokenService, [secrets.password]],
    [registry, [secrets.token, secrets.header]],
  ] as const) {
    const strangers = Object.values(secrets).filter(
      (each) => !(allowed as readonly string[]).includes(each),
    )
    for (const stranger of strangers) assert.ok(!sentTo(server).includes(stranger), stranger)
  }
})

const refuse: Handler = (request, response) => {
  const said = JSON.stringify(request.headers)
  response.writeHead(403).end(JSON.stringify({ errors: [{ code: 'DENIED', message: 'no' }], said }))
}

const failures: Record<string, () => void | Promise<void>> = {
  'nothing fails': () => {},
  'the registry refuses': () => {
    const { handler } = registry
    registry.handler = (request, response) =>
      request.headers.authorization === undefined
        ? handler(request, response)
        : refuse(request, response)
  },
  'the token service refuses': () => {
    tokenService.handler = refuse
  },
  'the token service answers with what is no token': () => {
    tokenService.handler = (_request, response) => void response.end(secrets.token)
  },
  'the token has a line break': () => {
    const token = `${secrets.token}\r\nX: y`
    tokenService.handler = (_request, response) => void response.end(JSON.stringify({ token }))
  },
  'the token service is gone': () => tokenService.close(),
  'the token service says nothing': () => {
    tokenService.handler = () => {}
  },
  'where the blob lies is gone': () => cdn.close(),
  'where the blob lies refuses': () => {
    cdn.handler = refuse
  },
  'where the blob lies breaks off': () => {
    cdn.handler = (_request, response) => {
      response.writeHead(200, { 'content-length': 4 })
      response.write('b', () => response.req.socket.destroy())
    }
  },
  'the redirect cannot be followed': () => {
    const { handler } = registry
    registry.handler = (request, response) => {
      if (!request.url.includes('/blobs/')) return handler(request, response)
      const location = `ftp://u:${secrets.password}@x.example/?sig=${secrets.signature}`
      response.writeHead(307, { location }).end()
    }
  },
  'the redirect goes on for ever': () => {
    cdn.handler = (_request, response) => {
      response.writeHead(307, { location: `/b?sig=${secrets.signature}` }).end()
    }
  },
  'the proxy is gone': () => {
    const directory = join(root, 'hosts/docker.io')
    writeFileSync(join(directory, 'hosts.toml'), 'server = "https://reg.example"\n')
  },
  'the file of logins is broken': () => {
    // Short enough for the parser to quote it whole.
    const broken = secrets.password
    writeFileSync(join(root, '.docker/config.json'), broken)
  },
  'a login is not what it should be': () => {
    saveLogins({ [registry.host]: { auth: Buffer.from(secrets.password).toString('base64') } })
  },
  'hosts.toml is broken behind a secret': () => {
    const text = `header = { x-key = "${secrets.header}", }\nserver = \n`
    writeFileSync(join(root, 'hosts/docker.io/hosts.toml'), text)
  },
  'a helper answers with what is no JSON': () => {
    mkdirSync(join(root, 'bin'))
    const helper = join(root, 'bin/docker-credential-bad')
    const script = `#!/bin/sh\necho ${secrets.helper}\n`
    writeFileSync(helper, script)
    chmodSync(helper, 0o755)
    saveLogins({}, { credsStore: 'bad' })
  },
  'a helper fails after it has answered': () => {
    mkdirSync(join(root, 'bin'))
    const helper = join(root, 'bin/docker-credential-bad')
    writeFileSync(helper, `#!/bin/sh\necho '${secrets.helper}'\nexit 1\n`)
    chmodSync(helper, 0o755)
    saveLogins({}, { credsStore: 'bad' })
  },
}

for (const [what, make] of Object.entries(failures)) {
  test(`no secret is shown when ${what}`, async () => {
    await make()
    await pull()
    assert.ok(shown.length > 0, 'nothing was shown: the test looks at nothing')
    if (what !== 'nothing fails') {
      assert.ok(
        shown.some((text) => text.startsWith('tsctr:')),
        'nothing failed',
      )
    }
    for (const text of shown) assert.doesNotMatch(text, anySecret)
  })
}
