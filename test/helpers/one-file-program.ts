import { once } from 'node:events'
import { openDatabase } from '../../src/host/database.ts'
import { serveWorker, startWorker } from '../../src/host/worker.ts'

// A program for one-file.test.ts: what tsctr needs of its build, without tsctr.
const workers = { 'echo worker': () => import('./echo-worker.ts') }

if ('isTsctrWorker' in globalThis) {
  void serveWorker((name) => (name in workers ? workers['echo worker']() : undefined))
} else {
  void main()
}

async function main(): Promise<void> {
  const database = openDatabase(':memory:', [])
  const version = database.prepare<[], { v: string }>('SELECT sqlite_version() AS v').get()?.v
  database.close()
  const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(7)
  const worker = startWorker('echo worker', { shared })
  const [answer] = await once(worker, 'message')
  const { argv, env, execPath } = process
  const { NODE_OPTIONS } = env
  console.log(JSON.stringify({ version, answer, args: argv.slice(2), execPath, NODE_OPTIONS }))
}
