import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type AddedImage, type ImageServer, startImageServer } from '../image/image-server.ts'

const red = '\u001b[31m'

let server: ImageServer
let sandbox: Sandbox
let image: AddedImage
let index: { digest: string; sizeBytes: number }
let app: string

before(async () => {
  server = await startImageServer()
  sandbox = createSandbox()
  app = `${server.server.host}/app`
  image = server.add('1.10', {
    layersBaseFirst: [tarOf(file('a', 'a'))],
    created: '2024-01-02T03:04:05Z',
    config: { Labels: { color: red } },
    history: [
      { created: '2024-01-02T03:04:05Z', created_by: `RUN\t${'long '.repeat(20)}${red}` },
      { created: '2024-01-02T03:04:05.678Z', created_by: 'CMD ["x"]', empty_layer: true },
    ],
  })
  index = server.addIndex('1.9', [[image, 'amd64']])
  server.overrides.set('list?n=1000', (_request, response) => {
    response.end(JSON.stringify({ tags: ['1.10', '1.9'] }))
  })
  await succeeds('pull', '-q', `${app}:1.10`)
})
after(async () => {
  sandbox.cleanup()
  await server.close()
})

async function succeeds(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await sandbox.run(args)
  assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
  return stdout
}

async function fails(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await sandbox.run(args)
  assert.deepEqual([stdout, exitCode], ['', 1], stderr)
  return stderr
}

describe('history', () => {
  // Fault list, b3 47.
  test('the table is docker’s, and safe to look at', async () => {
    const lines = (await succeeds('history', `${app}:1.10`)).trimEnd().split('\n')
    assert.match(lines[0] ?? '', /^IMAGE {10}CREATED +CREATED BY +SIZE +COMMENT$/)
    assert.match(lines[1] ?? '', /^[0-9a-f]{12} {3}\d+ \w+ ago +CMD \["x"\] +0B/)
    assert.match(lines[2] ?? '', /^<missing> +\d+ \w+ ago +RUN long long .*… +[\d.]+kB/)
    assert.equal(lines.length, 3)
    const whole = await succeeds('image', 'history', '--no-trunc', image.config.digest)
    assert.ok(whole.includes(image.config.digest))
    assert.match(whole, /long {2}\\x1b\[31m|long \\x1b\[31m/)
    assert.ok(!whole.includes(red))
  })

  test('-q, -H=false and --format', async () => {
    const id = image.config.digest.slice(7, 19)
    assert.equal(await succeeds('history', '-q', id), `${id}\n<missing>\n`)
    const [line] = (await succeeds('history', '--human=false', id)).split('\n').slice(1)
    assert.match(line ?? '', /2024-01-02T03:04:05Z +CMD/)
    assert.match(await succeeds('history', '-H=false', '--format', '{{.Size}}', id), /^0\n\d+\n$/)
    const [first = ''] = (await succeeds('history', '--format', 'json', id)).split('\n')
    assert.equal((JSON.parse(first) as Record<string, string>).CreatedBy, 'CMD ["x"]')
    assert.match(await fails('history', 'nothing'), /^tsctr: image nothing: no such image\n/)
  })
})

describe('tags', () => {
  test('lists what the registry has, in the order asked for', async () => {
    assert.equal(await succeeds('tags', app), 'TAG\n1.10\n1.9\n')
    assert.equal(await succeeds('tags', '-q', '--sort', 'semver', app), '1.9\n1.10\n')
    assert.equal(
      await succeeds('tags', '--sort=semver', '--format', '{{.Tag}} {{.Digest}}', app),
      `1.9 ${index.digest}\n1.10 ${image.manifest.digest}\n`,
    )
    assert.match(await succeeds('tags', '--digests', app), /^TAG {7}DIGEST\n1\.10 {6}sha256:/)
  })

  test('a repository that is not there, a tag, a bad order', async () => {
    assert.match(
      await fails('tags', '127.0.0.1:1/x'),
      /registry 127\.0\.0\.1:1: connect ECONNREFUSED/,
    )
    assert.match(await fails('tags', `${app}:1.9`), /must be a repository, without a tag\n/)
    assert.match(await fails('tags', '--sort', 'age', app), /^tsctr: --sort "age": must be/)
  })
})

describe('search', () => {
  test('shows what the index finds', async () => {
    const description = `${'words '.repeat(10)}\n${red}`
    server.overrides.set('search?q=redis&n=25', (_request, response) => {
      const found = { name: 'redis', star_count: 9, is_official: true, description }
      response.end(JSON.stringify({ results: [{ name: 'me/redis' }, found] }))
    })
    const env = { TSCTR_SEARCH_URL: server.server.url }
    const table = await sandbox.run(['search', 'redis'], { env })
    const lines = table.stdout.split('\n')
    assert.match(lines[0] ?? '', /^NAME {7}DESCRIPTION +STARS {5}OFFICIAL$/)
    assert.match(lines[1] ?? '', /^redis {6}(words ){7}wo… {3}9 {9}\[OK\]$/)
    assert.match(lines[2] ?? '', /^me\/redis +0/)
    const whole = await sandbox.run(['search', '--no-trunc', '-f', 'stars=1', 'redis'], { env })
    assert.match(whole.stdout, /\\x1b\[31m/)
    const refused = await sandbox.run(['search', '--limit', '101', 'redis'], { env })
    assert.match(refused.stderr, /^tsctr: --limit "101": not a whole number from 1 to 100\n/)
    const bad = await sandbox.run(['search', 'x'], { env: { TSCTR_SEARCH_URL: 'file:///x' } })
    assert.match(bad.stderr, /^tsctr: TSCTR_SEARCH_URL "file:\/\/\/x": must be a URL\n/)
  })
})

describe('manifest inspect', () => {
  test('shows the document as the registry has it', async () => {
    const shown = await succeeds('manifest', 'inspect', `${app}:1.10`)
    assert.match(shown, /^\{\n\t"schemaVersion": 2,\n\t"mediaType": /)
    const manifest = JSON.parse(shown) as { config: { digest: string } }
    assert.equal(manifest.config.digest, image.config.digest)
    assert.match(await succeeds('manifest', 'inspect', `${app}:1.9`), /^\{\n {3}"schemaVersion": 2/)
  })

  test('--verbose goes into an index', async () => {
    const [entry] = JSON.parse(await succeeds('manifest', 'inspect', '-v', `${app}:1.9`)) as {
      Ref: string
      Descriptor: object
      OCIManifest: { layers: unknown[] }
      Raw: string
    }[]
    assert.equal(entry?.Ref, `${app}@${image.manifest.digest}`)
    assert.deepEqual(entry?.Descriptor, {
      mediaType: mediaTypes.ociManifest,
      digest: image.manifest.digest,
      size: image.manifest.sizeBytes,
      platform: { architecture: 'amd64', os: 'linux' },
    })
    assert.equal(entry?.OCIManifest.layers.length, 1)
    const one = JSON.parse(await succeeds('manifest', 'inspect', '--verbose', `${app}:1.10`)) as {
      Descriptor: { platform: object }
      Raw: string
    }
    assert.deepEqual(one.Descriptor.platform, { architecture: 'amd64', os: 'linux' })
    assert.equal(Buffer.from(one.Raw, 'base64').length, image.manifest.sizeBytes)
    assert.match(await fails('manifest', 'inspect', `${app}:none`), /:none: not found\n/)
  })
})
