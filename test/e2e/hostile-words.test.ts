import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { needsContainers } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type ImageServer, startImageServer } from '../image/image-server.ts'

/** Colour, a window title, CSI in one character, a reversed line, and a line of its own. */
const hostile = '\u001b[31m\u001b]0;title\u0007\u009b2J\u202etxt\r\nWARNING: all is well'

// Fault list, b3 47.
describe('what an image or a registry says', { skip: needsContainers() }, () => {
  let server: ImageServer
  let sandbox: Sandbox
  let app: string

  before(async () => {
    server = await startImageServer()
    sandbox = createSandbox()
    app = `${server.server.host}/app`
    server.add('bad', {
      layersBaseFirst: [tarOf(file('a', 'a'))],
      architecture: hostile,
      config: {
        Labels: { [hostile]: hostile, maintainer: hostile },
        Env: [`A=${hostile}`],
        Cmd: [hostile],
        User: hostile,
        WorkingDir: hostile,
        StopSignal: hostile,
        Volumes: { [`/${hostile}`]: {} },
        ExposedPorts: { [hostile]: {} },
      },
      history: [{ created_by: hostile, comment: hostile, author: hostile }],
    })
  })
  after(async () => {
    sandbox.cleanup()
    await server.close()
  })

  /** Both outputs, harmless. */
  async function shown(exitCode: number, ...args: string[]): Promise<string> {
    const result = await sandbox.run(args)
    const text = result.stdout + result.stderr
    const call = `tsctr ${args.join(' ')}: ${JSON.stringify(text)}`
    assert.equal(result.exitCode, exitCode, call)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not reach a terminal
    assert.doesNotMatch(text, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/, call)
    assert.doesNotMatch(text, /^WARNING: all is well/m, call)
    return text
  }

  test('cannot speak to the terminal in what a pull and its warning print', async () => {
    assert.match(await shown(0, 'pull', `${app}:bad`), /^WARNING: the image is for linux\/\\x1b/m)
  })

  test('nor in errors of a pull', async () => {
    server.overrides.set('denied', (_request, response) => {
      const errors = [{ code: hostile, message: hostile, detail: hostile }]
      response.writeHead(403).end(JSON.stringify({ errors }))
    })
    assert.match(await shown(1, 'pull', `${app}:denied`), /access denied/)
    server.overrides.set('typed', (_request, response) => {
      response.end(JSON.stringify({ schemaVersion: 2, mediaType: hostile, layers: hostile }))
    })
    await shown(1, 'pull', `${app}:typed`)
    assert.match(await shown(1, 'pull', `${app}:bad${hostile}`), /bad tag/)
  })

  test('nor in listings, inspect and history', async () => {
    const image = `${app}:bad`
    await shown(0, 'images')
    await shown(0, 'images', '--tree')
    await shown(0, 'history', '--no-trunc', image)
    await shown(0, 'history', '--format', 'json', image)
    assert.match(await shown(0, 'image', 'inspect', image), /\\u001b\[31m/)
    await shown(0, 'images', '--format', 'table {{.Repository}} {{json .}}')
    await shown(0, 'system', 'df', '-v')
  })

  test('nor where its container is made, listed and cannot start', async () => {
    const flags = ['--pull', 'never', '--name', 'worded', '--label', `x=${hostile}`]
    await shown(0, 'create', ...flags, `${app}:bad`)
    await shown(0, 'ps', '-a', '--no-trunc')
    await shown(0, 'ps', '-a', '--format', 'table {{.Command}}\t{{.Labels}}\t{{.Mounts}}')
    await shown(0, 'ps', '-a', '--format', 'json')
    await shown(0, 'inspect', 'worded')
    await shown(1, 'start', 'worded')
    await shown(0, 'rm', 'worded')
  })
})
