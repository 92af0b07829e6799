import { Script } from 'node:vm'

/**
 * The program's code, in chunks of modules that are always needed together.
 *
 * A chunk is a function of (require, module, exports). Several may stand in one script, whose value
 * is an object of chunks by name; V8 reads a script as a whole and compiles a chunk when it runs.
 */
export interface Chunks {
  /** In which script each chunk stands. */
  readonly scriptOf: Readonly<Record<string, number>>
  /** For each script the ranges [begin, end) of its text and of its compiled code, in bytes. */
  readonly ranges: readonly (readonly [number, number, number, number])[]
  /** The texts of all scripts, in latin1. */
  readonly texts: Buffer
  /** The code that V8 compiled for them; an empty range where there is none. */
  readonly codes: Buffer
}

type Require = (name: string) => unknown
type Chunk = (require: Require, module: { exports: unknown }, exports: unknown) => void

/** Scripts that are read when first asked for. */
export class ChunkScripts {
  readonly #chunks: Chunks
  readonly #scripts = new Map<number, Script>()
  readonly #values = new Map<number, Readonly<Record<string, Chunk>>>()

  constructor(chunks: Chunks) {
    this.#chunks = chunks
  }

  /** @returns  undefined for a name that is no chunk's */
  find(name: string): Chunk | undefined {
    const index = this.#chunks.scriptOf[name]
    if (index === undefined) return undefined
    let value = this.#values.get(index)
    if (value === undefined) {
      value = this.#read(index).runInThisContext() as Readonly<Record<string, Chunk>>
      this.#values.set(index, value)
    }
    return value[name]
  }

  /** What V8 has compiled so far, for each script; empty for those not read. */
  compiled(): readonly Buffer[] {
    return this.#chunks.ranges.map(
      (_, index) => this.#scripts.get(index)?.createCachedData() ?? Buffer.alloc(0),
    )
  }

  #read(index: number): Script {
    const range = this.#chunks.ranges[index]
    if (range === undefined) throw new Error(`bug: no script ${index}`)
    const [textBegin, textEnd, codeBegin, codeEnd] = range
    const script = new Script(this.#chunks.texts.toString('latin1', textBegin, textEnd), {
      filename: `tsctr-${index}.cjs`,
      ...(codeEnd > codeBegin && { cachedData: this.#chunks.codes.subarray(codeBegin, codeEnd) }),
    })
    this.#scripts.set(index, script)
    return script
  }
}

/** Of Node's own modules those that take milliseconds: not each command that names them uses them. */
const slowToLoad = new Set([
  'node:child_process',
  'node:crypto',
  'node:ffi',
  'node:net',
  'node:worker_threads',
  'node:zlib',
])

/** Stands for a module until something of it is asked for. */
function whenUsed(name: string, requireOther: Require): unknown {
  const load = (): object => requireOther(name) as object
  return new Proxy(
    {},
    {
      get: (_target, key) => Reflect.get(load(), key),
      has: (_target, key) => Reflect.has(load(), key),
      ownKeys: () => Reflect.ownKeys(load()),
      getOwnPropertyDescriptor: (_target, key) => {
        const found = Reflect.getOwnPropertyDescriptor(load(), key)
        return found && { ...found, configurable: true }
      },
    },
  )
}

/**
 * Run the program.
 *
 * @param main          the chunk that runs first
 * @param requireOther  what gives Node's own modules
 * @returns             the names of the chunks that have run; grows while the program runs
 */
export function runChunks(
  scripts: ChunkScripts,
  main: string,
  requireOther: Require,
): Iterable<string> {
  const modules = new Map<string, { exports: unknown }>()
  const require: Require = (name) => {
    const known = modules.get(name)
    if (known !== undefined) return known.exports
    const chunk = scripts.find(name)
    if (chunk === undefined) {
      return slowToLoad.has(name) ? whenUsed(name, requireOther) : requireOther(name)
    }
    const module = { exports: {} as unknown }
    // Before it runs: chunks may need each other.
    modules.set(name, module)
    chunk(require, module, module.exports)
    return module.exports
  }
  require(main)
  return modules.keys()
}
