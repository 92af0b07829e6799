import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTemplate } from '../../../src/cli/render/template.ts'
import { hasCode } from '../../../src/errors.ts'

const container = {
  Id: 'a'.repeat(64),
  Name: '/redis',
  State: { Status: 'running', Running: true, Pid: 12, ExitCode: 0 },
  Config: {
    Image: 'redis',
    Env: ['A=1', 'B=<2>&'],
    Cmd: null,
    Labels: { 'com.a': 'x y', b: '2' },
    Empty: {},
    Tty: false,
  },
  NetworkSettings: {
    Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '90/tcp': null },
    Networks: { bridge: { IPAddress: '10.0.0.2' } },
  },
  HostConfig: { Memory: 104857600 },
  Mounts: [{ Type: 'bind', Source: '/src', RW: true }],
  Label: (name: string): string => ({ b: '2' })[name] ?? '',
  Size: (): string => '2B',
}

function run(text: string, data: unknown = container): string {
  return parseTemplate(text).execute(data)
}

// What docker 28 prints for `docker container inspect -f` on the same data.
const outputs: ReadonlyArray<readonly [string, string]> = [
  ['plain', 'plain'],
  ['{{.Config.Env}}', '[A=1 B=<2>&]'],
  ['{{json .Config.Env}}', '["A=1","B=<2>&"]'],
  ['{{json .Config.Labels}} {{json 1.0}} {{json "<>&"}}', '{"b":"2","com.a":"x y"} 1 "<>&"'],
  ['{{.Config.Labels}}', 'map[b:2 com.a:x y]'],
  ['{{.Config.Labels.nope}}', '<no value>'],
  ['{{.Config.Labels.nope.x}}', '<no value>'],
  ['[{{index .Config.Labels "nope"}}]', '[]'],
  ['[{{index .Config.Empty "nope"}}]', '[]'],
  ['{{index .NetworkSettings.Ports "1/tcp"}}', '<no value>'],
  ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', '8080'],
  ['{{(index .NetworkSettings.Ports "80/tcp" 0).HostPort}}', '8080'],
  [
    '{{range $p, $c := .NetworkSettings.Ports}}{{$p}}={{range $c}}{{.HostPort}}{{else}}-{{end}} {{end}}',
    '80/tcp=8080 90/tcp=- ',
  ],
  ['{{range .Mounts}}{{.Source}}:{{.RW}}{{end}}', '/src:true'],
  ['{{.Mounts}}', '[{bind /src true}]'],
  ['{{.HostConfig.Memory}}', '104857600'],
  [
    '{{printf "%5d|%-6s|%q|%x|%t|%.2f|%%" 3 "a" "b" "c" true 1.5}}',
    '    3|a     |"b"|63|true|1.50|%',
  ],
  ['{{printf "%d %s %!" "x" 3}}', '%!d(string=x) %!s(int=3) %!!(MISSING)'],
  ['{{printf "%d"}} {{printf "a" 1 "b"}}', '%!d(MISSING) a%!(EXTRA int=1, string=b)'],
  ['{{printf "%s" nil}}', '%!s(<nil>)'],
  [
    '{{printf "%s %d" .Config.Env .Config.Env}}',
    '[A=1 B=<2>&] [%!d(string=A=1) %!d(string=B=<2>&)]',
  ],
  [
    '{{printf "%05d|%+d|%x|%X|%o|%b|%c|%U|%e|%g|%8.3f|%-8s|%.2s|%q" 42 42 255 255 8 5 65 65 1.5 1.5 3.14159 "ab" "abc" "a\\"b"}}',
    '00042|+42|ff|FF|10|101|A|U+0041|1.500000e+00|1.5|   3.142|ab      |ab|"a\\"b"',
  ],
  ['{{printf "%q %q" .Config.Env 65}}', '["A=1" "B=<2>&"] \'A\''],
  ['{{printf "%T %T %T" 1 "a" 1.5}}', 'int string float64'],
  ['{{printf "%*d" 5 3}}', '    3'],
  ['{{printf "%6.2f|%06.2f|%x" 3.14159 3.14159 "hi"}}', '  3.14|003.14|6869'],
  [
    '{{printf "%v %+v %#v" .Config.Labels .Config.Labels "a"}}',
    'map[b:2 com.a:x y] map[b:2 com.a:x y] "a"',
  ],
  [
    '{{printf "%d" 1.5}} {{printf "%t" "a"}} {{printf "%y" 1}}',
    '%!d(float64=1.5) %!t(string=a) %!y(int=1)',
  ],
  ['{{if and .State.Running (eq .State.Status "running")}}yes{{else}}no{{end}}', 'yes'],
  ['{{if eq 1 2}}a{{else if eq 1 1}}b{{else}}c{{end}}', 'b'],
  ['{{if eq 1 2}}a{{else if eq 1 3}}b{{else}}c{{end}}d', 'cd'],
  ['{{with .Config.Cmd}}a{{else with .Name}}{{.}}{{end}}', '/redis'],
  ['{{with $x := .Name}}{{$x}}{{end}}', '/redis'],
  ['{{if .Config.Labels}}L{{end}}{{if .Config.Cmd}}C{{end}}{{if .Config.Empty}}E{{end}}', 'L'],
  ['{{join .Config.Env ","}}', 'A=1,B=<2>&'],
  ['{{split "a,b" ","}}', '[a b]'],
  ['{{title "foo bar"}} {{lower "AB"}} {{upper "é"}}', 'Foo Bar ab É'],
  ['{{truncate "abc" 5}} {{truncate "abcdef" 2}} {{pad "a" 1 2}}|{{pad "" 1 2}}|', 'abc ab  a  ||'],
  ['{{len .Config.Env}} {{len "é"}} {{.Config.Labels | len}} {{len .Config.Cmd}}', '2 2 2 0'],
  ['{{slice "abcdef" 1 3}} {{slice .Config.Env 1}} {{index "abc" 1}}', 'bc [B=<2>&] 98'],
  ['{{print 1 2 "a" 3 nil}}', '1 2a3 <nil>'],
  ['{{print 1 2 "a" "b" 3 4}} {{println "a" 1}}', '1 2ab3 4 a 1\n'],
  [
    '{{1.5}} {{1e21}} {{0x10}} {{1e-5}} {{100000000.5}} {{0b11}} {{1_000}}',
    '1.5 1e+21 16 1e-05 1.000000005e+08 3 1000',
  ],
  ['{{\'a\'}} {{`raw\\n`}} {{"a\\tb\\u00e9\\x41\\101"}}', '97 raw\\n a\tbéAA'],
  ['{{/* a */}}x{{- /* b */ -}} y', 'xy'],
  ['a {{- 3 -}} b {{ -3 }}', 'a3b -3'],
  [
    '{{define "t"}}<{{.}}>{{end}}{{template "t" .Name}}{{block "u" 1}}[{{.}}]{{end}}',
    '</redis>[1]',
  ],
  ['{{true}} {{not 0}} {{or "" "b"}} {{and 1 0}} {{or 0 ""}}|', 'true true b 0 |'],
  ['{{or true (index .Config.Env 9)}} {{and false (index .Config.Env 9)}}', 'true false'],
  [
    '{{lt 1 2}} {{ge 2 2}} {{ne "a" "b"}} {{eq 1 2 3 1}} {{eq nil nil}} {{gt "b" "a"}}',
    'true true true true true true',
  ],
  ['{{range 3}}{{.}}{{end}}', '012'],
  ['{{range .Config.Cmd}}x{{else}}none{{end}}', 'none'],
  ['{{ .Name | printf "%s-%s" "x" }}', 'x-/redis'],
  [
    '{{.Name | upper | lower}} {{(.Config).Image}} {{(.Name)}} {{$.Name}}',
    '/redis redis /redis /redis',
  ],
  ['{{$x := 1}}{{$x = 2}}{{$x}}{{if true}}{{$x = 3}}{{$x := 4}}{{end}}{{$x}}', '23'],
  ['{{range $i, $e := .Config.Env}}{{if $i}},{{end}}{{$e}}{{end}}', 'A=1,B=<2>&'],
  ['{{range $e := .Config.Env}}{{$e}};{{end}}', 'A=1;B=<2>&;'],
  ['{{range .Config.Env}}{{if eq . "A=1"}}{{continue}}{{end}}{{.}}{{break}}{{end}}', 'B=<2>&'],
  ['{{.Label "b"}}{{.Size}}{{"b" | .Label}}{{len (.Label "b")}}', '22B21'],
]

for (const [text, expected] of outputs) {
  test(`template ${text}`, () => assert.equal(run(text), expected))
}

// The words after `template parsing error: template: ` are docker's too.
const failures: ReadonlyArray<readonly [string, string]> = [
  ['{{.Foo}}', ':1:2: executing "" at <.Foo>: map has no entry for key "Foo"'],
  [
    '{{.State.Health.Status}}',
    ':1:8: executing "" at <.State.Health.Status>: map has no entry for key "Health"',
  ],
  ['a\nb{{.Foo}}', ':2:3: executing "" at <.Foo>: map has no entry for key "Foo"'],
  [
    '{{index .Config.Env 5}}',
    ':1:2: executing "" at <index .Config.Env 5>: error calling index: index out of range: 5',
  ],
  [
    '{{index .Config.Labels 1}}',
    ':1:2: executing "" at <index .Config.Labels 1>: error calling index: value has type int; should be string',
  ],
  [
    '{{index .Config.Cmd 0}}',
    ':1:2: executing "" at <index .Config.Cmd 0>: error calling index: index of untyped nil',
  ],
  [
    '{{eq 1 "a"}}',
    ':1:2: executing "" at <eq 1 "a">: error calling eq: incompatible types for comparison',
  ],
  [
    '{{lt 1 "a"}}',
    ':1:2: executing "" at <lt 1 "a">: error calling lt: incompatible types for comparison',
  ],
  ['{{nil}}', ':1:2: executing "" at <nil>: nil is not a command'],
  ['{{"a" 1}}', ':1:2: executing "" at <"a">: can\'t give argument to non-function "a"'],
  ['{{.Name "a"}}', ':1:2: executing "" at <.Name>: Name is not a method but has arguments'],
  ['{{range .Name}}x{{end}}', ':1:8: executing "" at <.Name>: range can\'t iterate over /redis'],
  ['{{len 3}}', ':1:2: executing "" at <len 3>: error calling len: len of type int'],
  [
    '{{slice "abc" 5}}',
    ':1:2: executing "" at <slice "abc" 5>: error calling slice: index out of range: 5',
  ],
  ['{{not}}', ':1:2: executing "" at <not>: wrong number of args for not: want 1 got 0'],
  ['{{.Label}}', ':1:2: executing "" at <.Label>: wrong number of args for Label: want 1 got 0'],
  [
    '{{.Config.Cmd.x}}',
    ':1:9: executing "" at <.Config.Cmd.x>: nil pointer evaluating interface {}.x',
  ],
  ['{{if}}x{{end}}', ':1: missing value for if'],
  ['{{}}', ':1: missing value for command'],
  ['{{end}}', ':1: unexpected {{end}}'],
  ['{{else}}', ':1: unexpected {{else}}'],
  ['{{if true}}', ':1: unexpected EOF'],
  ['{{if true}}{{else}}{{else}}{{end}}', ':1: expected end; found {{else}}'],
  ['{{1 | 2}}', ':1: non executable command in pipeline stage 2'],
  ['{{$x}}', ':1: undefined variable "$x"'],
  ['{{$x := $x}}', ':1: undefined variable "$x"'],
  ['{{$x = 1}}', ':1: undefined variable "$x"'],
  ['{{if true}}{{$x := 1}}{{end}}{{$x}}', ':1: undefined variable "$x"'],
  ['{{$x := 1}}{{define "t"}}{{$x}}{{end}}', ':1: undefined variable "$x"'],
  ['{{break}}', ':1: {{break}} outside {{range}}'],
  ['{{range 2}}{{define "t"}}{{end}}{{end}}', ':1: unexpected {{define}}'],
  ['{{"a', ':1: unterminated quoted string'],
  ['{{`a}}', ':1: unterminated raw quoted string'],
  ['{{!}}', ':1: unexpected "!" in command'],
  ['{{.Name}', ":1: bad character U+007D '}'"],
  ['{{.Name', ':1: unclosed action'],
  ['{{(.Name}}', ':1: unclosed left paren'],
  ['{{.Name)}}', ':1: unexpected right paren'],
  ['{{/* a', ':1: unclosed comment'],
  ['{{3-}}', ':1: bad number syntax: "3-"'],
  ['{{..}}', ':1: unexpected <.> in operand'],
  ['{{.Config.Image.}}', ':1: unexpected <.> in operand'],
  ['{{nosuch}}', ':1: function "nosuch" not defined'],
  ['{{constructor}}', ':1: function "constructor" not defined'],
]

for (const [text, expected] of failures) {
  test(`template ${JSON.stringify(text)} fails`, () => {
    assert.throws(
      () => run(text),
      (error) => {
        assert.ok(hasCode(error, 'INVALID_ARGUMENT'))
        assert.equal(error.message, `template parsing error: template: ${expected}`)
        return true
      },
    )
  })
}

test('data never reaches JavaScript prototypes', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'length', 'hasOwnProperty']) {
    assert.equal(run(`{{.${name}}}`, { a: 1 }), '<no value>')
    assert.equal(run(`{{index . "${name}"}}`, { a: 1 }), '<no value>')
    assert.throws(() => run(`{{.A.${name}}}`, { A: 'text' }), /can't evaluate field/)
    assert.throws(() => run(`{{.A.${name}}}`, { A: [1] }), /can't evaluate field/)
  }
  const odd: unknown = JSON.parse('{"__proto__":"p","constructor":"c"}')
  assert.equal(
    run('{{.__proto__}} {{.constructor}} {{.}} {{json .}}', odd),
    'p c map[__proto__:p constructor:c] {"__proto__":"p","constructor":"c"}',
  )
})

test('a Map and an object without prototype are maps, whatever their keys', () => {
  const bare: Record<string, unknown> = Object.create(null)
  bare.B = 2
  bare.A = 1
  for (const map of [
    bare,
    new Map([
      ['B', 2],
      ['A', 1],
    ]),
  ]) {
    assert.equal(
      run('{{.}} {{.A}} {{.C}} {{len .}} {{json .}}', map),
      'map[A:1 B:2] 1 <no value> 2 {"A":1,"B":2}',
    )
  }
})

test('missing fields of a struct are no value when the caller says so', () => {
  const template = parseTemplate('{{.Foo}} {{.Foo.Bar}} {{.Name}}')
  assert.equal(template.execute(container, { missing: 'no-value' }), '<no value> <no value> /redis')
})

test('a method keeps its object, and its own error keeps its words', () => {
  const data = {
    Base: 'x',
    Join(end: string): string {
      return this.Base + end
    },
    Fail(): never {
      throw new TypeError('bug: inside')
    },
  }
  assert.equal(run('{{.Join "y"}}', data), 'xy')
  assert.throws(() => run('{{.Fail}}', data), { name: 'TypeError', message: 'bug: inside' })
})

test('only what is printed is escaped, not the text around it', () => {
  const options = { escapeText: (text: string): string => text.replaceAll('\x1b', 'E') }
  assert.equal(parseTemplate('\x1b{{.}}').execute('\x1b', options), '\x1bE')
})

test('endless recursion and nesting are errors, not a crash', () => {
  assert.throws(
    () => run('{{define "a"}}{{template "a"}}{{end}}{{template "a"}}'),
    /exceeded maximum template depth/,
  )
  assert.throws(() => run(`{{${'('.repeat(5000)}1${')'.repeat(5000)}}}`), /nested too deeply/)
  assert.throws(() => run('{{if 1}}'.repeat(5000) + '{{end}}'.repeat(5000)), /nested too deeply/)
})

test('any broken text is one INVALID_ARGUMENT', () => {
  const pieces = [
    '{{',
    '}}',
    '.',
    '.A',
    ' ',
    '|',
    '(',
    ')',
    'if',
    'else',
    'end',
    'range',
    '$x',
    ':=',
    '"',
    '`',
    '-',
    'eq',
    '1',
    ',',
    'define',
    '\\',
    '/*',
    '*/',
  ]
  let seed = 7
  const next = (limit: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed % limit
  }
  for (let round = 0; round < 5000; round++) {
    const text = `{{${Array.from({ length: next(12) }, () => pieces[next(pieces.length)]).join('')}`
    try {
      run(text, { a: 1 })
    } catch (error) {
      assert.ok(hasCode(error, 'INVALID_ARGUMENT'), `${text}: ${String(error)}`)
    }
  }
})
