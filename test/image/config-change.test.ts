import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  applyConfigChanges,
  type ConfigPart,
  parseConfigChange,
} from '../../src/image/config-change.ts'

function changed(before: ConfigPart, ...changes: string[]): ConfigPart {
  return applyConfigChanges(before, changes.map(parseConfigChange))
}

const cases: [what: string, before: ConfigPart, changes: string[], after: ConfigPart][] = [
  ['CMD as a list', {}, ['CMD ["a", "b c"]'], { Cmd: ['a', 'b c'] }],
  ['CMD as a line', {}, ['cmd a "b c" $X'], { Cmd: ['/bin/sh', '-c', 'a "b c" $X'] }],
  [
    'CMD as a line for the image’s shell',
    { Shell: ['/bin/bash', '-ec'] },
    ['CMD a'],
    { Shell: ['/bin/bash', '-ec'], Cmd: ['/bin/bash', '-ec', 'a'] },
  ],
  ['CMD that is no list of strings', {}, ['CMD [1]'], { Cmd: ['/bin/sh', '-c', '[1]'] }],
  ['CMD []', { Cmd: ['a'] }, ['CMD []'], { Cmd: [] }],
  [
    'ENTRYPOINT drops the old Cmd',
    { Cmd: ['a'] },
    ['ENTRYPOINT ["b"]'],
    { Entrypoint: ['b'], Cmd: null },
  ],
  [
    'ENTRYPOINT keeps a Cmd that is given with it',
    { Cmd: ['old'] },
    ['CMD ["a"]', 'ENTRYPOINT ["b"]'],
    { Entrypoint: ['b'], Cmd: ['a'] },
  ],
  [
    'ENV over the old, each seeing what was before',
    { Env: ['A=1', 'B=2'] },
    ['ENV A=$A$B C=$A D="x y"', 'ENV E a  b'],
    { Env: ['A=12', 'B=2', 'C=1', 'D=x y', 'E=a  b'] },
  ],
  [
    'EXPOSE',
    { ExposedPorts: { '1/tcp': {} }, Env: ['P=9'] },
    ['EXPOSE 80 53/UDP 7-8 $P'],
    { Env: ['P=9'], ExposedPorts: ports('1/tcp', '80/tcp', '53/udp', '7/tcp', '8/tcp', '9/tcp') },
  ],
  [
    'HEALTHCHECK as a line',
    {},
    ['HEALTHCHECK --interval=1m30s --retries=3 --start-interval=500ms CMD curl -f x || exit 1'],
    {
      Healthcheck: {
        Test: ['CMD-SHELL', 'curl -f x || exit 1'],
        Interval: 90e9,
        Retries: 3,
        StartInterval: 5e8,
      },
    },
  ],
  [
    'HEALTHCHECK as a list',
    {},
    ['HEALTHCHECK CMD ["a", "b"]'],
    { Healthcheck: { Test: ['CMD', 'a', 'b'] } },
  ],
  ['HEALTHCHECK NONE', {}, ['HEALTHCHECK none'], { Healthcheck: { Test: ['NONE'] } }],
  [
    'LABEL',
    { Labels: { a: '1' } },
    ['LABEL b="x y" c=\'z\' a=2'],
    { Labels: { a: '2', b: 'x y', c: 'z' } },
  ],
  ['ONBUILD', { OnBuild: ['RUN a'] }, ['ONBUILD COPY . /x'], { OnBuild: ['RUN a', 'COPY . /x'] }],
  ['STOPSIGNAL', {}, ['STOPSIGNAL SIGQUIT'], { StopSignal: 'SIGQUIT' }],
  ['USER', {}, ['USER www:7'], { User: 'www:7' }],
  ['VOLUME as words', { Volumes: null }, ['VOLUME /a /b'], { Volumes: { '/a': {}, '/b': {} } }],
  ['VOLUME as a list', {}, ['VOLUME ["/a b"]'], { Volumes: { '/a b': {} } }],
  ['WORKDIR below the old', { WorkingDir: '/a/b' }, ['WORKDIR ../c'], { WorkingDir: '/a/c' }],
  ['WORKDIR from the root', {}, ['WORKDIR x', 'WORKDIR /y z'], { WorkingDir: '/y z' }],
]

for (const [what, before, changes, after] of cases) {
  test(what, () => assert.deepEqual(changed(before, ...changes), after))
}

function ports(...names: string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]))
}

test('a label named __proto__ is a label', () => {
  const { Labels } = changed({}, 'LABEL __proto__=x')
  assert.deepEqual(Object.entries(Labels ?? {}), [['__proto__', 'x']])
})

test('what tsctr does not know in the config stays', () => {
  assert.deepEqual(changed({ ArgsEscaped: true }, 'USER 1'), { ArgsEscaped: true, User: '1' })
})

for (const [change, message] of [
  ['', /^"": no such change$/],
  ['FROM x', /no such change/],
  ['CMD', /needs a program/],
  ['ENV', /ENV needs NAME=value/],
  ['ENV A', /ENV needs NAME=value/],
  ['ENV A=1 B', /"B": ENV needs NAME=value/],
  ['LABEL a="b', /no closing "/],
  ['EXPOSE', /needs a port/],
  ['EXPOSE 0', /not a port/],
  ['EXPOSE 9-8', /not a port/],
  ['EXPOSE 80/icmp', /not a port/],
  ['HEALTHCHECK', /needs CMD or NONE/],
  ['HEALTHCHECK NONE x', /takes nothing else/],
  ['HEALTHCHECK --interval=1 CMD x', /--interval=1": must be a time/],
  ['HEALTHCHECK --retries=0 CMD x', /at least 1/],
  ['HEALTHCHECK --nope=1 CMD x', /no such flag/],
  ['ONBUILD ONBUILD RUN x', /not allowed/],
  ['STOPSIGNAL x', /no such signal/],
  ['USER a b', /takes one value/],
  ['USER', /needs a value/],
  ['VOLUME', /needs a path/],
  ['VOLUME ["/a", ""]', /path is empty/],
] as const) {
  test(`${change} is refused`, () => {
    assert.throws(() => parseConfigChange(change), { code: 'INVALID_ARGUMENT', message })
  })
}
