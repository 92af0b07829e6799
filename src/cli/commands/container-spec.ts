import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { isErrno, TsctrError } from '../../errors.ts'
import { bundleOf } from '../../runtime/bundle.ts'
import { findContainer } from '../../store/containers.ts'
import { withContext } from '../context.ts'
import { stringifyJson } from '../render/json.ts'

export function addContainerSpecCommand(parent: Command): void {
  parent
    .command('spec <container>')
    .description('Print the config.json that the runtime was given for a running container')
    .action((name: string, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        const { id, namespace } = findContainer(ctx.database, ctx.namespace, name)
        const text = readConfig(bundleOf(ctx.stateRoot, namespace, id).config, name)
        ctx.stdout.line(stringifyJson(JSON.parse(text), 2))
      }),
    )
}

/** It is made anew at each start, and goes at the end. */
function readConfig(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    throw new TsctrError('FAILED_PRECONDITION', `container ${name}: is not running`, {
      hint: `tsctr start ${name}`,
    })
  }
}
