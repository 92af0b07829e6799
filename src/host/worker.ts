import sea from 'node:sea'
import { parentPort, type Transferable, Worker, workerData } from 'node:worker_threads'

/** A file whose work runs in a thread of its own. */
export interface WorkerModule {
  /**
   * @param input  what startWorker was given
   * @param port   to the thread that started this one
   */
  readonly run: (input: unknown, port: NonNullable<typeof parentPort>) => Promise<void> | void
}

/** How the one-file build loads each worker, by name. */
export type WorkerList = Readonly<Record<string, () => Promise<WorkerModule>>>

interface WorkerStart {
  readonly worker: string
  readonly input: unknown
}

/**
 * Start a thread.
 *
 * @param name      the worker's path in src/ without suffix (`layer/unpack-worker`); it must be in
 *                  cli/worker-list.ts, because the one-file build has no files to start from
 * @param input     cloned into the thread
 * @param transfer  what of the input is moved instead
 */
export function startWorker(
  name: string,
  input: unknown,
  transfer: readonly Transferable[] = [],
): Worker {
  const options = {
    workerData: { worker: name, input },
    transferList: [...transfer],
    // Node warns when a thread closes a descriptor that Node's fs did not open, as libc.ts does.
    trackUnmanagedFds: false,
  }
  if (!sea.isSea()) return new Worker(new URL('./worker-main.ts', import.meta.url), options)
  const program = `globalThis.isTsctrWorker = true\n${sea.getAsset('loader.cjs', 'utf8')}`
  return new Worker(program, { ...options, eval: true })
}

/**
 * Do the work that this thread was started for.
 *
 * @param load  finds the module of a worker's name
 */
export async function serveWorker(
  load: (name: string) => Promise<WorkerModule> | undefined,
): Promise<void> {
  const { worker, input } = workerData as WorkerStart
  const module = await load(worker)
  if (module === undefined || parentPort === null) throw new Error(`bug: no worker ${worker}`)
  await module.run(input, parentPort)
}
