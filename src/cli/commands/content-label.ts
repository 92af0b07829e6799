import type { Command } from 'commander'
import { keyValues, parseKeyValue } from '../../container/flag-values/key-values.ts'
import { findBlobByPrefix } from '../../content/find-by-prefix.ts'
import { labelBlob } from '../../content/label-blob.ts'
import { withContext } from '../context.ts'
import { escapeControls } from '../render/escape.ts'

export function addContentLabelCommand(parent: Command): void {
  parent
    .command('label <digest> [name=value...]')
    .description('Change labels of a blob, and print those it has then; `name=` takes one away')
    .action((text: string, pairs: string[], _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        const changes = new Map(Object.entries(keyValues(pairs.map(parseKeyValue))))
        const { digest } = findBlobByPrefix(ctx.content, text)
        for (const [name, value] of labelBlob(ctx.database, digest, changes)) {
          ctx.stdout.line(escapeControls(`${name}=${value}`))
        }
      }),
    )
}
