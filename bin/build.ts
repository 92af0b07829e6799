import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildOneFile } from './one-file.ts'

const root = dirname(import.meta.dirname)
const output = join(root, 'dist/tsctr')

await buildOneFile({
  root,
  entry: join(root, 'src/cli/main.ts'),
  output,
  scratch: join(root, 'build/one-file'),
})
console.log(`dist/tsctr: ${(statSync(output).size / 1e6).toFixed(0)} MB`)
