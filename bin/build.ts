import { rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildOneFile } from './one-file.ts'
import { writeTrainingImage } from './training-image.ts'

const root = dirname(import.meta.dirname)
const output = join(root, 'dist/tsctr')
const scratch = join(root, 'build/one-file')

// Commands as users give them. Where the build may not run containers, each goes as far as it can:
// options are read, the store is opened, an answer is printed.
const image = join(root, 'build/training')
rmSync(image, { recursive: true, force: true })
const archive = await writeTrainingImage(image)
const training = [
  ['version'],
  ['info'],
  ['import', archive, 'training'],
  ['run', '--detach', '--name', 'sleeper', '--publish', '80', 'training', '/sleep'],
  ['run', '--rm', '--name', 'one', 'training', '/exit'],
  ['run', '--rm', '--name', 'two', '--network', 'none', 'training', '/exit'],
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
  ['ps'],
  ['exec', '--detach', 'sleeper', '/exit'],
  ['logs', 'sleeper'],
  ['inspect', 'sleeper'],
  ['stop', '--time', '0', 'sleeper'],
  ['start', 'sleeper'],
  ['rm', '--force', 'sleeper'],
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
