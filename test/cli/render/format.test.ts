import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  labelHeader,
  type Row,
  type RowLayout,
  renderRows,
  rowRenderer,
} from '../../../src/cli/render/format.ts'
import { hasCode } from '../../../src/errors.ts'

const layout: RowLayout = {
  headers: {
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    Command: 'COMMAND',
    RunningFor: 'CREATED',
    Status: 'STATUS',
    Ports: 'PORTS',
    Names: 'NAMES',
    Size: 'SIZE',
    Label: labelHeader,
  },
  table: ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'],
  wide: ['ID', 'Names', 'Size'],
}

function row(fields: Row, labels: Readonly<Record<string, string>> = {}): Row {
  return { ...fields, Label: (key: string): string => labels[key] ?? '' }
}

const rows = [
  row(
    {
      ID: 'aaaaaaaaaaaa',
      Image: 'redis:alpine',
      Command: '"docker-entrypoint.s…"',
      RunningFor: '3 years ago',
      Status: 'Up 3 minutes',
      Ports: '0.0.0.0:8080->80/tcp',
      Names: 'redis',
      Size: '2B (virtual 21.5MB)',
    },
    { 'com.a': 'x y', b: '2' },
  ),
  row({
    ID: 'bbbbbbbbbbbb',
    Image: 'b',
    Command: '"sh"',
    RunningFor: '3 years ago',
    Status: 'Exited (0) 8 days ago',
    Ports: '',
    Names: 'x',
    Size: '0B',
  }),
]

// What docker 28 prints for `docker ps -a --format …` on the same containers.
const transcripts: ReadonlyArray<readonly [string | undefined, string]> = [
  [
    undefined,
    `
CONTAINER ID   IMAGE          COMMAND                  CREATED       STATUS                  PORTS                  NAMES
aaaaaaaaaaaa   redis:alpine   "docker-entrypoint.s…"   3 years ago   Up 3 minutes            0.0.0.0:8080->80/tcp   redis
bbbbbbbbbbbb   b              "sh"                     3 years ago   Exited (0) 8 days ago                          x
`,
  ],
  [
    'table {{.ID}}\\t{{.Label "com.a"}}\\t{{.Names}}',
    `
CONTAINER ID   a         NAMES
aaaaaaaaaaaa   x y       redis
bbbbbbbbbbbb             x
`,
  ],
  [
    'table {{.Names|upper}}|{{pad .ID 2 2}}',
    `
NAMES|  CONTAINER ID${'  '}
REDIS|  aaaaaaaaaaaa${'  '}
X|  bbbbbbbbbbbb${'  '}
`,
  ],
  [
    'table {{join (split .Image ":") "-"}}\\t{{json .Names}}',
    `
IMAGE          NAMES
redis-alpine   "redis"
b              "x"
`,
  ],
  ['table {{.Size}}', '\nSIZE\n2B (virtual 21.5MB)\n0B\n'],
  ['  x{{.Names}} ', '\nxredis\nxx\n'],
  [
    '{{truncate .ID 4}} {{.Label "b"}} {{split .Image ":"}}',
    '\naaaa 2 [redis alpine]\nbbbb  [b]\n',
  ],
  ['{{.ID}}\\n-', '\naaaaaaaaaaaa\n-\nbbbbbbbbbbbb\n-\n'],
]

for (const [format, expected] of transcripts) {
  test(`ps --format ${JSON.stringify(format)}`, () => {
    assert.equal(`\n${renderRows(rows, layout, { format })}`, expected)
  })
}

test("'' and `table` are the default table, `wide` the other one", () => {
  const plain = renderRows(rows, layout)
  assert.equal(renderRows(rows, layout, { format: '' }), plain)
  assert.equal(renderRows(rows, layout, { format: 'table' }), plain)
  assert.equal(
    renderRows(rows, layout, { format: 'wide' }),
    'CONTAINER ID   NAMES     SIZE\naaaaaaaaaaaa   redis     2B (virtual 21.5MB)\nbbbbbbbbbbbb   x         0B\n',
  )
})

test('no rows: a table is its header, anything else is nothing', () => {
  assert.equal(renderRows([], layout, { format: 'wide' }), 'CONTAINER ID   NAMES     SIZE\n')
  assert.equal(
    renderRows([], layout, { format: 'table {{.ID}}\\t{{.Names}}' }),
    'CONTAINER ID   NAMES\n',
  )
  assert.equal(renderRows([], layout, { format: '{{.ID}}' }), '')
  assert.equal(renderRows([], layout, { format: 'json' }), '')
})

// Rows made by the hundred are of a class: object literals with getters are slow to make.
test('a row of a class has its getters for fields and its methods for methods', () => {
  class Line {
    readonly #name: string
    hidden = 1
    constructor(name: string) {
      this.#name = name
    }
    get Count(): number {
      return this.#name.length
    }
    Label(key: string): string {
      return `${this.#name}\t${key}`
    }
    get Name(): string {
      return this.#name
    }
    inner(): string {
      return 'not for templates'
    }
  }
  const rows = [new Line('a'), new Line('bc')] as unknown as Row[]
  const layout = {
    headers: { Count: 'COUNT', Name: 'NAME', Label: () => 'LABEL' },
    table: ['Name'],
  }
  const shown = (format: string): string => renderRows(rows, layout, { format })
  assert.equal(shown(''), 'NAME\na\nbc\n')
  assert.equal(shown('json'), '{"Count":1,"Name":"a"}\n{"Count":2,"Name":"bc"}\n')
  assert.equal(shown('{{json .}}'), shown('json'))
  assert.equal(shown('{{.Name}}{{.Count}} {{.Label "k"}}'), 'a1 a\tk\nbc2 bc\tk\n')
  assert.equal(shown('table {{.Name}}'), 'NAME\na\nbc\n')
  for (const name of ['constructor', 'inner', 'hidden', 'toString', 'Nope']) {
    assert.throws(() => shown(`{{.${name}}}`), /map has no entry for key/, name)
  }
})

test('json: one object a line, fields sorted, methods left out, getters read', () => {
  const lazy = {
    ...row({ Names: '<a>', ID: '1' }),
    get Size(): string {
      return '0B'
    },
  }
  const expected = '{"ID":"1","Names":"<a>","Size":"0B"}\n'
  assert.equal(renderRows([lazy], layout, { format: 'json' }), expected)
  assert.equal(renderRows([lazy], layout, { format: '{{json .}}' }), expected)
  assert.equal(rowRenderer({ format: 'json' })(lazy), expected)
})

test('a default table reads only its own fields', () => {
  const costly = {
    ID: '1',
    get Size(): string {
      throw new Error('measured')
    },
  }
  assert.match(renderRows([costly], { ...layout, table: ['ID'] }), /^CONTAINER ID\n1\n$/)
})

test('a title stays whole where the rows are cut', () => {
  const format = 'table {{slice .ID 0 4}}\\t{{index (split .Image ":") 0}}\\t{{truncate .Status 2}}'
  assert.equal(
    renderRows(rows, layout, { format }),
    'CONTAINER ID   IMAGE     STATUS\naaaa           redis     Up\nbbbb           b         Ex\n',
  )
})

test('an unknown field and a broken template are INVALID_ARGUMENT', () => {
  for (const format of ['{{.Foo}}', 'table {{.Foo}}', '{{.ID', 'table {{.ID', '{{nosuch}}']) {
    assert.throws(
      () => renderRows(rows, layout, { format }),
      (error) =>
        hasCode(error, 'INVALID_ARGUMENT') && /^template parsing error: /.test(error.message),
    )
  }
  assert.throws(() => renderRows([], layout, { format: '{{.ID' }), /unclosed action/)
  assert.throws(() => rowRenderer({ format: '{{.ID' }), /unclosed action/)
})

// Fault list, b3 47.
test('escape sequences in names reach no terminal, and break no table', () => {
  const evil = '\x1b]0;x\x07\u009b2J\u202ea\tb\nc'
  const bad = [row({ ID: '1', Names: evil }, { k: evil })]
  const shown = '\\x1b]0;x\\x07\\u009b2J\\u202ea\\tb\\nc'
  const narrow = { ...layout, table: ['ID', 'Names'] }
  assert.equal(renderRows(bad, narrow), `CONTAINER ID   NAMES\n1              ${shown}\n`)
  for (const format of ['table {{.Names}}', 'table {{.Label "k"}}']) {
    assert.equal(renderRows(bad, layout, { format }).split('\n')[1], shown)
  }
  assert.equal(
    renderRows(bad, layout, { format: '{{.Names}}', isTerminal: true }),
    `${shown.replace('\\t', '\t').replace('\\n', '\n')}\n`,
  )
  // A script reading from a pipe gets the bytes as they are.
  assert.equal(renderRows(bad, layout, { format: '{{.Names}}' }), `${evil}\n`)
  // Escaped, JSON is the same data.
  const json = renderRows(bad, layout, { format: 'json' })
  for (const character of ['\x1b', '\u009b', '\u202e']) assert.ok(!json.includes(character))
  assert.equal(JSON.parse(json).Names, evil)
})
