import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectRows } from './rows.ts'
import { type Cell, formatDuration, formatSize, markdownTable } from './table.ts'

test('a row holds figures with tsctr’s share of each, notes, failures and gaps', () => {
  const [exec] = selectRows(['exec'])
  const [memory] = selectRows(['memory'])
  if (exec === undefined || memory === undefined) assert.fail('rows are missing')
  const cells = (...entries: [string, Cell][]) => new Map(entries)
  const tableRows = [
    {
      row: exec,
      times: 20,
      cells: cells(
        ['tsctr', { value: 50 }],
        ['docker', { value: 200 }],
        ['podman', { failure: 'exit code 1' }],
      ),
    },
    {
      row: memory,
      times: 1,
      cells: cells(
        ['tsctr', { value: 2e6, note: 'conmon' }],
        ['docker', { value: 8e6, note: 'shim' }],
      ),
    },
    { row: exec, times: 3, cells: cells(['docker', { value: 1500 }]) },
  ]
  assert.equal(
    markdownTable(tableRows, ['docker', 'podman']),
    `| median | n | tsctr | docker | podman |
| --- | --: | --: | --: | --: |
| ${exec.title} | 20 | 50 ms | 200 ms **0.25** | failed |
| ${memory.title} | 1 | 2.0 MB (conmon) | 8.0 MB **0.25** (shim) |  |
| ${exec.title} | 3 |  | 1.50 s |  |
`,
  )
})

test('figures have two or three digits', () => {
  assert.deepEqual([1.04, 9.94, 9.96, 54.4, 999.4, 999.6, 12_345].map(formatDuration), [
    '1.0 ms',
    '9.9 ms',
    '10 ms',
    '54 ms',
    '999 ms',
    '1.00 s',
    '12.35 s',
  ])
  assert.deepEqual([1.04e6, 9.94e6, 9.96e6, 120e6].map(formatSize), [
    '1.0 MB',
    '9.9 MB',
    '10 MB',
    '120 MB',
  ])
})
