import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsPrograms, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'
import { runInTerminal, type TerminalSession } from '../helpers/terminal.ts'

const skip = needsContainers() || needsRegistry() || needsPrograms('script')

describe('tsctr in a terminal', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    const { exitCode, stderr } = await sandbox.run(['pull', 'busybox'])
    assert.equal(exitCode, 0, stderr)
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function shownBy(session: TerminalSession): Promise<string> {
    const { stdout } = await runInTerminal(sandbox, session)
    return stdout
  }

  // The terminal's new size was asked for before Node had looked at it: each change came one late.
  test('run -it gives the size of the terminal and follows its changes', async () => {
    const shown = await shownBy({
      script: `in_front tsctr run --rm -it --network none busybox sh -c '
        trap "stty size | grep \\"44 122\\" && exit 4" WINCH
        until stty size | grep "33 101"; do sleep 0.1; done
        echo ready; while :; do sleep 0.1; done'`,
      beside: 'until_shown ready; stty rows 44 cols 122',
    })
    assert.match(shown, /33 101\r\nready\r\n44 122\r\n/)
    assert.match(shown, /code=4/)
    assert.match(shown, /terminal=restored/)
  })

  test('exec -it gives the size of the terminal and follows its changes', async () => {
    await sandbox.run([
      'run',
      '-d',
      '--name',
      'sized',
      '--network',
      'none',
      'busybox',
      'sleep',
      '99',
    ])
    const shown = await shownBy({
      script: `in_front tsctr exec -it sized sh -c '
        trap "stty size | grep \\"44 122\\" && exit 4" WINCH
        until stty size | grep "33 101"; do sleep 0.1; done
        echo ready; while :; do sleep 0.1; done'`,
      beside: 'until_shown ready; stty rows 44 cols 122',
    })
    await sandbox.run(['rm', '-f', 'sized'])
    assert.match(shown, /33 101\r\nready\r\n44 122\r\n/)
    assert.match(shown, /code=4/)
    assert.match(shown, /terminal=restored/)
  })

  // Node's raw mode turns a line feed into two characters, which broke every program that draws.
  test('run -it shows the bytes of the program as they are', async () => {
    const shown = await shownBy({
      script: `tsctr run --rm -it --network none busybox sh -c 'stty -opost; printf "one\\ntwo"'`,
    })
    assert.match(shown, /one\ntwo/)
    assert.match(shown, /terminal=restored/)
  })

  // Between the terminal made raw and the signals being passed on, a signal ended tsctr at once.
  test('a signal while the container starts leaves the terminal as it was', async () => {
    const shown = await shownBy({
      script: `in_front tsctr run --rm -it --network none busybox sh -c '
        trap "exit 9" INT; sleep 1; sleep 1; exit 9'`,
      beside: 'until stty -a | grep -q -e -icanon; do :; done; kill -INT $tsctr',
    })
    assert.match(shown, /code=9/)
    assert.match(shown, /terminal=restored/)
  })

  test('a signal that is not passed on ends tsctr and leaves the terminal as it was', async () => {
    for (const [signal, code] of [
      ['TERM', 143],
      ['HUP', 129],
      ['INT', 130],
    ] as const) {
      const shown = await shownBy({
        script: `in_front tsctr run --name alone --sig-proxy=false -it --network none busybox sh -c '
          trap "exit 9" ${signal}; echo ready; while :; do sleep 0.1; done'`,
        beside: `until_shown ready; kill -${signal} $tsctr`,
      })
      assert.match(shown, new RegExp(`code=${code}`))
      assert.match(shown, /terminal=restored/)
      const { stdout } = await sandbox.run(['ps', '--format', '{{.Names}} {{.State}}'])
      assert.equal(stdout, 'alone running\n')
      await sandbox.run(['rm', '-f', 'alone'])
    }
  })

  test('ctrl-p ctrl-q leaves the container running, and attach comes back to it', async () => {
    const detached = await shownBy({
      script: `tsctr run --name left -it --network none busybox sh -c '
        echo ready; read line; echo "got $line"; exit 6'`,
      typed: { after: 'ready', keys: '\x10\x11' },
    })
    assert.match(detached, /code=0/)
    assert.match(detached, /terminal=restored/)
    const { stdout } = await sandbox.run(['ps', '--format', '{{.Names}} {{.State}}'])
    assert.equal(stdout, 'left running\n')

    const attached = await shownBy({
      script: 'echo turn; tsctr attach left',
      typed: { after: 'turn', keys: 'word\r' },
    })
    assert.match(attached, /got word/)
    assert.match(attached, /code=6/)
    assert.match(attached, /terminal=restored/)
    await sandbox.run(['rm', '-f', 'left'])
  })

  test('exec --detach-keys leaves the program running, and nothing else of it later', async () => {
    const run = ['run', '-d', '--name', 'entered', '--network', 'none', 'busybox', 'sleep', '99']
    const id = (await sandbox.run(run)).stdout.trim()
    const shown = await shownBy({
      script: `tsctr exec -it --detach-keys ctrl-x,x entered sh -c 'echo ready; sleep 96; :'`,
      typed: { after: 'ready', keys: '\x18x' },
    })
    assert.match(shown, /code=0/)
    assert.match(shown, /terminal=restored/)
    const { stdout } = await sandbox.run(['exec', 'entered', 'ps'])
    assert.match(stdout, /sleep 96/)

    // Otherwise the code of the program is that of the command, and so are signals of the keys.
    const stayed = await shownBy({
      script: `tsctr exec -it --detach-keys ctrl-x,x entered sh -c 'echo ready; read line; exit 4'`,
      typed: { after: 'ready', keys: 'x\r' },
    })
    assert.match(stayed, /code=4/)
    await sandbox.run([
      'exec',
      'entered',
      'sh',
      '-c',
      'kill $(pidof -x sh) $(pidof sleep | cut -d " " -f 1)',
    ])
    await sandbox.run(['rm', '-f', 'entered'])
    assert.equal(existsSync(join(sandbox.stateRoot, 'default', id)), false)
  })

  test('Ctrl-C reaches the container, with a terminal of its own and without', async () => {
    for (const flags of ['-it', '-i', '']) {
      const shown = await shownBy({
        script: `tsctr run --rm ${flags} --network none busybox sh -c '
          trap "exit 5" INT; echo ready; while :; do sleep 0.1; done'`,
        typed: { after: 'ready', keys: '\x03' },
      })
      assert.match(shown, /code=5/, flags)
    }
  })

  test('a container removed by somebody else gives the terminal back', async () => {
    const shown = await shownBy({
      script: `in_front tsctr run --name gone -it --network none busybox sh -c 'echo ready; sleep 30'`,
      beside: `until_shown ready; ${sandbox.program} rm -f gone >/dev/null`,
    })
    assert.match(shown, /code=137/)
    assert.match(shown, /terminal=restored/)
  })

  test('a program that cannot be run leaves the terminal as it was', async () => {
    const shown = await shownBy({ script: 'tsctr run --rm -it --network none busybox nosuch' })
    assert.match(shown, /code=127/)
    assert.match(shown, /terminal=restored/)
  })
})
