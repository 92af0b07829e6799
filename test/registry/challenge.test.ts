import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChallenges } from '../../src/registry/challenge.ts'

type Plain = [scheme: string, parameters: Record<string, string>]

function parse(header: string | null): Plain[] {
  return parseChallenges(header).map(({ scheme, parameters }) => [
    scheme,
    Object.fromEntries(parameters),
  ])
}

const cases: [header: string, expected: Plain[]][] = [
  ['Basic', [['basic', {}]]],
  ['Basic realm="Registry Realm"', [['basic', { realm: 'Registry Realm' }]]],
  ['Basic realm=plain', [['basic', { realm: 'plain' }]]],
  [
    'Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"',
    [
      [
        'bearer',
        {
          realm: 'https://auth.example/token',
          service: 'reg',
          scope: 'repository:a/b:pull,push',
        },
      ],
    ],
  ],
  ['BEARER  Realm = "x" ,  Service=y', [['bearer', { realm: 'x', service: 'y' }]]],
  [
    'Negotiate, Bearer realm="x", Basic realm="y"',
    [
      ['negotiate', {}],
      ['bearer', { realm: 'x' }],
      ['basic', { realm: 'y' }],
    ],
  ],
  ['Bearer realm="a \\"quoted\\" word"', [['bearer', { realm: 'a "quoted" word' }]]],
  ['Bearer realm="a, Basic realm=b"', [['bearer', { realm: 'a, Basic realm=b' }]]],
  ['Bearer realm="never closed', [['bearer', { realm: '' }]]],
  ['Bearer __proto__="x",constructor="y"', [['bearer', { ['__proto__']: 'x', constructor: 'y' }]]],
  ['', []],
  ['=', []],
  ['"', []],
]

test('challenges are read as RFC 9110 writes them', () => {
  for (const [header, expected] of cases) assert.deepEqual(parse(header)[0], expected[0], header)
  for (const [header, expected] of cases.slice(0, 8)) assert.deepEqual(parse(header), expected)
})

test('a missing or absurdly long header has none', () => {
  assert.deepEqual(parse(null), [])
  assert.deepEqual(parse(`Bearer realm="${'x'.repeat(10_000)}"`), [])
})
