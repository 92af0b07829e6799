import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Command } from 'commander'
import { parseCommand } from '../../src/cli/parse-command.ts'

/** Parses like `tsctr GLOBALS WORDS ARGS` and returns what the command's action got. */
async function parse(
  args: readonly string[],
  { runsProgram = false, words = ['run'], globals = [] as string[] } = {},
): Promise<{ operands: unknown; flags: Record<string, unknown>; globals: unknown }> {
  const calls: { operands: unknown; flags: Record<string, unknown>; globals: unknown }[] = []
  await parseCommand(
    (parent: Command) => {
      parent
        .command('any <image> [command...]')
        .option('-d, --detach')
        .option('-i, --interactive')
        .option('--no-trunc')
        .option('-e, --env <pair>', '', (pair: string, all: string[] = []) => [...all, pair])
        .option('--sig-proxy', '', true)
        .option('--no-sig-proxy')
        .option('-h, --hostname <name>')
        .action((image: string, rest: string[], flags: Record<string, unknown>, self: Command) => {
          const top = words.length > 1 ? self.parent?.parent : self.parent
          calls.push({ operands: [image, ...rest], flags, globals: top?.opts() })
        })
    },
    { globals, words, rest: args },
    runsProgram,
  )
  const [call] = calls
  assert.ok(call !== undefined)
  return call
}

describe('parseCommand', () => {
  test('leaves options behind the first operand to the program that is run', async () => {
    const args = ['-de', 'A=1', 'img', 'sh', '-d', '--rm=x', '--', '-e']
    const { operands, flags } = await parse(args, { runsProgram: true })
    assert.deepEqual(operands, ['img', 'sh', '-d', '--rm=x', '--', '-e'])
    assert.equal(flags.detach, true)
    assert.deepEqual(flags.env, ['A=1'])
  })

  test('takes options behind operands otherwise', async () => {
    const { operands, flags } = await parse(['img', 'sh', '-d'])
    assert.deepEqual(operands, ['img', 'sh'])
    assert.equal(flags.detach, true)
  })

  test('gives the global options to the program, not to the command', async () => {
    const { globals } = await parse(['img'], {
      globals: ['--data-root', '/a', '--hosts-dir', '/h1', '--hosts-dir=/h2', '-n', 'ns', '-D'],
    })
    assert.deepEqual(globals, {
      dataRoot: '/a',
      hostsDir: ['/h1', '/h2'],
      namespace: 'ns',
      debug: true,
    })
  })

  test('finds a command below its group under the name that was typed', async () => {
    const { operands } = await parse(['img'], { words: ['container', 'create'] })
    assert.deepEqual(operands, ['img'])
    await assert.rejects(parse(['--bad'], { words: ['container', 'create'] }), {
      message: "container create: unknown option '--bad'",
      hint: 'tsctr container create --help',
    })
  })

  test('gives -h to a command that has it', async () => {
    const { flags } = await parse(['-h', 'box', 'img'])
    assert.equal(flags.hostname, 'box')
  })

  test('words mistakes as an operand and what is wrong with it', async () => {
    const cases: [readonly string[], string, string?][] = [
      [['--detaach', 'x'], "run: unknown option '--detaach'", 'did you mean --detach?'],
      [['-e'], "run: option '-e, --env <pair>' argument missing", 'tsctr run --help'],
      [[], "run: missing required argument 'image'"],
    ]
    for (const [args, message, hint] of cases) {
      const error = { code: 'INVALID_ARGUMENT', message, ...(hint === undefined ? {} : { hint }) }
      await assert.rejects(parse(args), error)
    }
    await assert.rejects(parse(['x'], { globals: ['--bad'] }), {
      message: "unknown option '--bad'",
    })
  })
})

describe('boolean values', () => {
  test('of an option are taken as docker takes them', async () => {
    assert.equal((await parse(['--detach=true', 'x'])).flags.detach, true)
    assert.equal((await parse(['-d=1', 'x'])).flags.detach, true)
    assert.equal((await parse(['--detach=false', 'x'])).flags.detach, undefined)
    assert.equal((await parse(['--sig-proxy=false', 'x'])).flags.sigProxy, false)
    assert.equal((await parse(['--sig-proxy=T', 'x'])).flags.sigProxy, true)
    assert.equal((await parse(['--no-trunc=true', 'x'])).flags.trunc, false)
    assert.equal((await parse(['--no-trunc=false', 'x'])).flags.trunc, true)
  })

  test('are not looked for in the values of other options', async () => {
    assert.deepEqual((await parse(['-e', '--detach=false', 'x'])).flags.env, ['--detach=false'])
    assert.deepEqual((await parse(['-ie', '--detach=false', 'x'])).flags.env, ['--detach=false'])
    assert.deepEqual((await parse(['-eA', '--detach=true', 'x'])).flags.detach, true)
    assert.deepEqual((await parse(['--env=A', '--detach=true', 'x'])).flags.detach, true)
  })

  test('that are no booleans are refused', async () => {
    await assert.rejects(parse(['--detach=maybe', 'x']), {
      message: '--detach: "maybe" is not a boolean',
    })
  })

  test('stay where they are behind --', async () => {
    const { operands } = await parse(['--', 'x', '--detach=false'])
    assert.deepEqual(operands, ['x', '--detach=false'])
  })
})

// `kill -s=TERM` was refused for a signal "=TERM", `save -o=FILE` wrote a file "=FILE".
test('a short option takes its value behind = too', async () => {
  const all = ['-e=A=1', '-die=B=', '-e==', '-e', '=C', '-h=x', 'img', '-e=D']
  const { operands, flags } = await parse(all, { runsProgram: true })
  assert.deepEqual(flags.env, ['A=1', 'B=', '=', '=C'])
  assert.equal(flags.hostname, 'x')
  assert.equal(flags.detach, true)
  assert.deepEqual(operands, ['img', '-e=D'])
})
