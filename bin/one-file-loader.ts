import sea from 'node:sea'
import { Script } from 'node:vm'

// The first lines of the one-file build, and of its worker threads: they start the bundle with the
// code that V8 has compiled for it at build time.
const asset = (name: string): Buffer => Buffer.from(sea.getRawAsset(name))
// The bundle is ASCII, so latin1 is a plain copy.
const script = new Script(asset('tsctr.cjs').toString('latin1'), {
  filename: 'tsctr.cjs',
  cachedData: asset('tsctr.cache'),
})
script.runInThisContext()(require)
