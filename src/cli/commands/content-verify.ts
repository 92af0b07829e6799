import type { Command } from 'commander'
import { findBlobByPrefix } from '../../content/find-by-prefix.ts'
import { verifyBlob } from '../../content/verify-blob.ts'
import { findUsers } from '../../gc/users.ts'
import { withContext } from '../context.ts'
import { interruptible } from '../interrupt.ts'
import { escapeControls } from '../render/escape.ts'
import { usersCell } from '../render/users.ts'

export function addContentVerifyCommand(parent: Command): void {
  parent
    .command('verify [digest...]')
    .description(
      'Read blobs again, all of them or some, and name those that are damaged or missing',
    )
    .action((digests: string[], _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        const blobs =
          digests.length === 0
            ? ctx.content.list()
            : digests.map((text) => findBlobByPrefix(ctx.content, text))
        let broken = 0
        await interruptible(async (signal) => {
          for (const blob of blobs) {
            const health = await verifyBlob(ctx.content, blob, signal)
            // One that was removed meanwhile is neither.
            if (health.status === 'good' || ctx.content.stat(blob.digest) === undefined) continue
            broken += 1
            const users = usersCell(findUsers(ctx).ofBlob(blob.digest))
            const needed = users === '' ? '' : `; needed by ${users}`
            const line = `${blob.digest}: ${health.status}: ${health.problem}${needed}`
            ctx.stdout.line(escapeControls(line))
          }
        })
        ctx.stdout.line(`${blobs.length} blobs read, ${broken} damaged or missing`)
        if (broken === 0) return
        ctx.stderr.line('hint: `tsctr content rm -f` them, and pull what needed them again')
        process.exitCode = 1
      }),
    )
}
