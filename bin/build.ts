import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildOneFile } from './one-file.ts'

const root = dirname(import.meta.dirname)
const output = join(root, 'dist/tsctr')
const scratch = join(root, 'build/one-file')

// Each command as far as it goes without a container or a network: options read, the store opened,
// an answer printed. The image has no files, so that anybody can unpack it.
const emptyArchive = join(root, 'build/empty.tar')
mkdirSync(dirname(emptyArchive), { recursive: true })
writeFileSync(emptyArchive, Buffer.alloc(1024))
const training = [
  ['version'],
  ['info'],
  ['import', emptyArchive, 'training'],
  ['ps', '--all'],
  ['images'],
  ['images', '--quiet'],
  ['images', '--format', 'json'],
  ['image', 'inspect', 'training'],
  ['pull', 'INVALID'],
  ['run', '--rm', '--interactive', '--network', 'none', '--pull', 'never', 'missing', 'true'],
  ['exec', '--interactive', 'missing', 'true'],
  ['logs', 'missing'],
  ['inspect', 'missing'],
  ['stop', 'missing'],
  ['rm', 'missing'],
]

await buildOneFile({
  root,
  entry: join(root, 'src/cli/main.ts'),
  output,
  scratch,
  training,
  trainingEnv: {
    TSCTR_ROOT: join(scratch, 'data'),
    TSCTR_STATE: join(scratch, 'state'),
    TSCTR_HOSTS_DIR: join(scratch, 'hosts'),
    TSCTR_NAMESPACE: '',
  },
})
console.log(`dist/tsctr: ${(statSync(output).size / 1e6).toFixed(0)} MB`)
