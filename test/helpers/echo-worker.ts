import type { MessagePort } from 'node:worker_threads'
import { openDatabase } from '../../src/host/database.ts'

/** A worker for tests: it answers with its input and with what SQLite, a native addon, says. */
export function run(input: unknown, port: MessagePort): void {
  const database = openDatabase(':memory:', [])
  const row = database.prepare<[], { answer: number }>('SELECT 6 * 7 AS answer').get()
  database.close()
  port.postMessage({ input, answer: row?.answer })
}
