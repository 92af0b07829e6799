import { serveWorker } from './worker.ts'

// Where threads start when tsctr runs from source: every worker is a file.
await serveWorker((name) => import(new URL(`../${name}.ts`, import.meta.url).href))
