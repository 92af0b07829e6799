import type { Command } from 'commander'
import { wholeNumber } from '../../container/flag-values/number.ts'
import { gcRootLabel, labelBlob } from '../../content/label-blob.ts'
import { blobMismatch } from '../../content/receive-blob.ts'
import { type Digest, parseDigest } from '../../oci/digest.ts'
import { createLease } from '../../store/leases.ts'
import { withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { interruptible } from '../interrupt.ts'

interface ContentIngestFlags {
  readonly expectedDigest?: Digest
  readonly expectedSize?: number
  readonly mediaType: string
}

export function addContentIngestCommand(parent: Command): void {
  parent
    .command('ingest')
    .description(`Store stdin as a blob, labelled ${gcRootLabel} so that gc keeps it`)
    .option(
      '--expected-digest <digest>',
      'what the bytes must hash to',
      single('--expected-digest', parseDigest),
    )
    .option(
      '--expected-size <bytes>',
      'how many there must be',
      single('--expected-size', wholeNumber(0)),
    )
    .option('--media-type <type>', 'what they are', 'application/octet-stream')
    .action(({ expectedDigest, expectedSize, mediaType }: ContentIngestFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const lease = createLease(ctx.database, 'content ingest')
        try {
          const staged = await interruptible((signal) => ctx.content.stage(process.stdin, signal))
          try {
            const { digest, sizeBytes } = staged
            if (expectedSize !== undefined && expectedSize !== sizeBytes) {
              throw blobMismatch(expectedDigest ?? digest, expectedSize, sizeBytes)
            }
            if (expectedDigest !== undefined && expectedDigest !== digest) {
              throw blobMismatch(expectedDigest, expectedDigest, digest)
            }
            lease.hold('blob', digest)
            ctx.content.commitStaged(staged, mediaType)
            const now = new Date().toISOString()
            labelBlob(ctx.database, digest, new Map([[gcRootLabel, now]]))
            ctx.stdout.line(digest)
          } finally {
            staged.discard()
          }
        } finally {
          lease.release()
        }
      }),
    )
}
