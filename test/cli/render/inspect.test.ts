import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderInspect } from '../../../src/cli/render/inspect.ts'
import { nilList, nilMap } from '../../../src/oci/nil.ts'

const objects = [
  { Id: 'a', Config: { Labels: { z: '<&>', a: '1' }, Cmd: nilList, Volumes: nilMap } },
  { Id: 'b', Config: { Labels: {}, Cmd: ['sh'], Volumes: {} } },
]

test('without a format: an array with an indent of 4, HTML characters as they are', () => {
  assert.equal(
    renderInspect(objects.slice(0, 1)),
    `[
    {
        "Id": "a",
        "Config": {
            "Labels": {
                "a": "1",
                "z": "<&>"
            },
            "Cmd": null,
            "Volumes": null
        }
    }
]
`,
  )
  assert.equal(renderInspect([]), '[]\n')
})

test('json: the array on one line', () => {
  assert.equal(
    renderInspect([{ Id: 'a' }, { Id: 'b' }], { format: 'json' }),
    '[{"Id":"a"},{"Id":"b"}]\n',
  )
})

test('a template: one line for each object', () => {
  assert.equal(renderInspect(objects, { format: '{{.Id}} {{.Config.Cmd}}' }), 'a []\nb [sh]\n')
  assert.equal(renderInspect([], { format: '{{.Id}}' }), '')
})

test('backslash t is no tab here', () => {
  assert.equal(renderInspect([{ Id: 'a' }], { format: '{{.Id}}\\t{{"\\t"}}|' }), 'a\\t\t|\n')
})

test("docker's null lists and maps act as empty ones", () => {
  const format =
    '{{with .Config}}{{.Volumes}} {{len .Cmd}} {{range .Cmd}}x{{else}}none{{end}} [{{index .Volumes "k"}}] {{json .Cmd}}{{end}}'
  assert.equal(renderInspect(objects.slice(0, 1), { format }), 'map[] 0 none [] null\n')
})

test('an object that lacks a field fails, naming it', () => {
  assert.throws(() => renderInspect(objects, { format: '{{.State.Health}}' }), {
    message:
      'template parsing error: template: :1:8: executing "" at <.State.Health>: map has no entry for key "State"',
  })
})

// Fault list, b3 47.
test('on a terminal escape sequences are shown, tabs and newlines work', () => {
  const format = '{{.Id}}{{"\\t\\n"}}'
  assert.equal(renderInspect([{ Id: '\x1b[2J' }], { format, isTerminal: true }), '\\x1b[2J\t\n\n')
})
