import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderImageTree } from '../../../src/cli/render/image-tree.ts'
import type { Digest } from '../../../src/oci/digest.ts'

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}` as Digest

test('an image under two names with one platform in use and one that is not here', () => {
  const text = renderImageTree(
    [
      {
        names: ['docker.io/library/app:1', 'reg.example/app:latest'],
        target: digest('a'),
        diskBytes: 13_600_000,
        contentBytes: 4_090_000,
        isUsed: true,
        platforms: [
          {
            manifest: digest('b'),
            platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
            isHere: true,
            diskBytes: 13_600_000,
            contentBytes: 4_090_000,
            isUsed: true,
          },
          {
            manifest: digest('c'),
            platform: { os: 'li\x1bnux', architecture: 'amd64' },
            isHere: false,
            diskBytes: 0,
            contentBytes: 0,
            isUsed: false,
          },
        ],
      },
    ],
    { trunc: true },
  )
  assert.equal(
    text,
    `IMAGE                    ID             DISK USAGE   CONTENT SIZE   EXTRA
app:1
reg.example/app:latest   aaaaaaaaaaaa   13.6MB       4.09MB         U
├─ linux/arm64/v8        bbbbbbbbbbbb   13.6MB       4.09MB         U
└─ li\\x1bnux/amd64       cccccccccccc   0B           0B
`,
  )
})
