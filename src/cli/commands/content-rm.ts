import type { Command } from 'commander'
import { findBlobByPrefix } from '../../content/find-by-prefix.ts'
import { removeBlob } from '../../gc/remove-blob.ts'
import { withContext } from '../context.ts'
import { forEachTarget } from '../targets.ts'

export function addContentRmCommand(parent: Command): void {
  parent
    .command('rm <digest...>')
    .description('Remove blobs; the start of a digest will do')
    .option('-f, --force', 'even those that something needs: a pull fetches them again')
    .action((digests: string[], { force }: { force?: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        await forEachTarget(digests, async (text) => {
          const { digest } = findBlobByPrefix(ctx.content, text)
          removeBlob(ctx, digest, force === true)
          ctx.stdout.line(digest)
        })
      }),
    )
}
