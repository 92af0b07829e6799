import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseDotenv, readDotenvFile } from '../../../src/container/flag-values/dotenv-file.ts'

function parse(...lines: readonly string[]): string[] {
  return parseDotenv(lines.join('\n'), 'env')
}

test('values without quotes go to the end of the line, or to a comment', () => {
  assert.deepEqual(
    parse('# note', '', 'A=1', '  B = two words  ', 'C=a#b # note', 'D=', 'E=#', 'F=a=b', '\t# x'),
    ['A=1', 'B=two words', 'C=a#b', 'D=', 'E=#', 'F=a=b'],
  )
})

test('in single quotes nothing is special, in double quotes a backslash is', () => {
  assert.deepEqual(
    parse(`A='a "b" \\n # $c'`, `B="a 'b' \\n \\"c\\" \\\\ \\$d \\q" # note`, `C=""`, `D='' `),
    [`A=a "b" \\n # $c`, `B=a 'b' \n "c" \\ $d \\q`, 'C=', 'D='],
  )
})

test('a quoted value may go over lines', () => {
  assert.deepEqual(parse('A="one', 'two', '"', "B='x", "y'", 'C="on\\', 'e"'), [
    'A=one\ntwo\n',
    'B=x\ny',
    'C=one',
  ])
})

test('export may come first; a name alone takes the value of the caller', () => {
  assert.deepEqual(parse('export A=1', 'B', 'export C # note', 'exported=1'), [
    'A=1',
    'B',
    'C',
    'exported=1',
  ])
})

test('lines may end as on Windows', () => {
  assert.deepEqual(parseDotenv('A=1\r\nB="x\r\ny"\r\n', 'env'), ['A=1', 'B=x\ny'])
})

test('what a shell would not read either is refused with its line', () => {
  for (const [lines, message] of [
    [['A=1', '', 'B="x', 'y'], /^env: line 3: the quote " of B is not closed$/],
    [["A='x"], /^env: line 1: the quote ' of A is not closed$/],
    [['A=1', 'B="x" y'], /^env: line 2: text after the closing quote$/],
    [['A B=1'], /^env: line 1: no = after the name "A"$/],
    [['# x', '=1'], /^env: line 2: no name before =$/],
    [['"A"=1'], /^env: line 1: no name before =$/],
  ] as const) {
    assert.throws(() => parse(...lines), { code: 'INVALID_ARGUMENT', message })
  }
})

test('a shell reads the same from a file of the kind', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsctr-dotenv-'))
  try {
    const path = join(dir, 'env')
    const lines = [
      'A=1',
      `B='it is "so" \\n'`,
      'C="a \\"b\\" \\\\ \\$d"',
      'export D="x',
      'y"',
      'E=""',
    ]
    writeFileSync(path, lines.join('\n'))
    const script =
      'set -a; . "$0"; for n in A B C D E; do eval "printf %s=%s\\\\\\\\0 $n \\"\\$$n\\""; done'
    const shell = execFileSync('sh', ['-c', script, path], { encoding: 'utf8' })
    assert.deepEqual(readDotenvFile(path), shell.split('\0').slice(0, -1))
  } finally {
    rmSync(dir, { recursive: true })
  }
})
