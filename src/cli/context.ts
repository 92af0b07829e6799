import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { makeRootDirectory } from '../host/data-root.ts'
import { type Database, openDatabase } from '../host/database.ts'
import { type GlobalOptions, resolveGlobalOptions } from './global-options.ts'
import { migrations } from './migrations.ts'
import { type Output, outputTo } from './output.ts'

/** What a command works with. */
export interface Context extends GlobalOptions {
  /** The metadata of the data root; opened, and the data root made, on first use. */
  readonly database: Database
  /** Whether there is a database already: for commands that only look. */
  readonly hasDatabase: boolean
  readonly stdout: Output
  readonly stderr: Output
}

/**
 * Run a command's action with what the global options select, and close it whatever happens.
 *
 * @param command  the command that commander called: the global options stand on its ancestors
 */
export async function withContext(
  command: Command,
  action: (context: Context) => Promise<void>,
): Promise<void> {
  const context = new LazyContext(resolveGlobalOptions(rootOf(command).opts()))
  try {
    await action(context)
  } catch (error) {
    context.closeQuietly()
    throw error
  }
  context.close()
}

class LazyContext implements Context {
  readonly dataRoot: string
  readonly stateRoot: string
  readonly namespace: string
  readonly hostsDirs: readonly string[]
  readonly debug: boolean
  readonly stdout = outputTo(1)
  readonly stderr = outputTo(2)
  #database: Database | undefined

  constructor(options: GlobalOptions) {
    this.dataRoot = options.dataRoot
    this.stateRoot = options.stateRoot
    this.namespace = options.namespace
    this.hostsDirs = options.hostsDirs
    this.debug = options.debug
  }

  get database(): Database {
    this.#database ??= this.#open()
    return this.#database
  }

  get hasDatabase(): boolean {
    return existsSync(this.#databasePath)
  }

  get #databasePath(): string {
    return join(this.dataRoot, 'meta.db')
  }

  #open(): Database {
    makeRootDirectory(this.dataRoot, '--data-root')
    return openDatabase(this.#databasePath, migrations)
  }

  close(): void {
    this.#database?.close()
  }

  /** Close after a failure, which must stay the one that is reported. */
  closeQuietly(): void {
    try {
      this.close()
    } catch {}
  }
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent)
}
