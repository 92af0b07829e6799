import type { Command } from 'commander'
import { findBlobByPrefix } from '../../content/find-by-prefix.ts'
import { TsctrError } from '../../errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { maxConfigBytes } from '../../oci/image-manifest.ts'
import { parseJsonObject } from '../../oci/json-document.ts'
import { type Context, withContext } from '../context.ts'
import { escapeTerminal } from '../render/escape.ts'

export function addContentGetCommand(parent: Command): void {
  parent
    .command('get <digest>')
    .description("Write a blob's bytes to stdout; the start of a digest will do")
    .option('--json', 'indent it: an index, a manifest or a config')
    .action((text: string, { json }: { json?: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        const { digest } = findBlobByPrefix(ctx.content, text)
        if (json === true) {
          ctx.stdout.line(indented(ctx, digest))
          return
        }
        const chunks: AsyncIterable<Buffer> = ctx.content.openBlob(digest)
        for await (const chunk of chunks) ctx.stdout.write(chunk)
      }),
    )
}

function indented(ctx: Context, digest: Digest): string {
  const what = `blob ${digest}`
  if ((ctx.content.stat(digest)?.sizeBytes ?? 0) > maxConfigBytes) {
    throw new TsctrError('INVALID_ARGUMENT', `${what}: too large for a JSON document`)
  }
  const document = parseJsonObject(ctx.content.readDocument(digest, maxConfigBytes), what)
  // What JSON itself leaves as it is and a terminal obeys becomes \u…, which is the same JSON.
  return escapeTerminal(JSON.stringify(document, undefined, 2))
}
