import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandWord, splitWords } from '../../src/oci/dockerfile-words.ts'

const splits: [text: string, words: string[]][] = [
  ['', []],
  ['  a\tb \n c ', ['a', 'b', 'c']],
  ['a="b c" d', ['a="b c"', 'd']],
  ["a='b \\' c", ["a='b \\'", 'c']],
  ['a\\ b c', ['a\\ b', 'c']],
  ['"a \\" b" c', ['"a \\" b"', 'c']],
]

for (const [text, words] of splits) {
  test(`words of ${JSON.stringify(text)}`, () => assert.deepEqual(splitWords(text), words))
}

const variables = new Map([
  ['A', 'x'],
  ['EMPTY', ''],
  ['A_1', 'y z'],
])

const expansions: [word: string, value: string][] = [
  ['plain', 'plain'],
  ['"a b"', 'a b'],
  ["'$A'", '$A'],
  ['"$A"', 'x'],
  ['$A/$A_1.$NONE!', 'x/y z.!'],
  [`\${A}1`, 'x1'],
  ['\\$A', '$A'],
  ['"\\$A\\n"', '$A\\n'],
  ['a\\ b', 'a b'],
  [`\${NONE:-other}`, 'other'],
  [`\${EMPTY:-\${A}2}`, 'x2'],
  [`\${A:-other}`, 'x'],
  [`\${A:+set}`, 'set'],
  [`\${NONE:+set}`, ''],
  ['$', '$'],
  ['50%$', '50%$'],
]

for (const [word, value] of expansions) {
  test(`${word} expands to ${value}`, () =>
    assert.equal(
      expandWord(word, (name) => variables.get(name)),
      value,
    ))
}

for (const [word, problem] of [
  ['"a', /no closing "/],
  ["'a", /no closing '/],
  [`\${A`, /no closing }/],
  [`\${A##x}`, /not supported/],
] as const) {
  test(`${word} is refused`, () => {
    assert.throws(() => expandWord(word, () => undefined), {
      code: 'INVALID_ARGUMENT',
      message: problem,
    })
  })
}
