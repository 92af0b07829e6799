import type { WorkerList } from '../host/worker.ts'

/**
 * The worker threads of the one-file build: the name given to startWorker, which is the file's path
 * in src/ without its suffix, and how to load that file.
 */
export const workerList: WorkerList = {
  'container/copy/copy-worker': () => import('../container/copy/copy-worker.ts'),
  'image/unpack-worker': () => import('../image/unpack-worker.ts'),
}
