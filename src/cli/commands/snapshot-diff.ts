import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { TsctrError } from '../../errors.ts'
import { writeAsync } from '../../host/async-write.ts'
import { snapshotDiff } from '../../image/snapshot-diff.ts'
import { findSnapshotByName } from '../../snapshot/find-by-name.ts'
import { withContext } from '../context.ts'
import { readerGone } from '../output.ts'

const stdoutFd = 1

export function addSnapshotDiffCommand(parent: Command): void {
  parent
    .command('diff <key> [other]')
    .description('Write what a snapshot changes on its parent, or another on it, as a layer tar')
    .action((key: string, other: string | undefined, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        if (isatty(stdoutFd)) {
          const problem = 'cowardly refusing to write an archive to a terminal'
          throw new TsctrError('INVALID_ARGUMENT', problem, { hint: 'pipe it into tar -t' })
        }
        const [first, second] = [key, other].map((text) =>
          text === undefined ? undefined : findSnapshotByName(ctx.snapshots, text).key,
        )
        for (const chunk of snapshotDiff(ctx, first ?? '', second)) {
          if (!(await writeAsync(stdoutFd, chunk))) process.exit(readerGone)
        }
      }),
    )
}
