import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { type CheckedImage, checkImages } from '../../image/check-image.ts'
import { familiarName, parseReference } from '../../oci/reference.ts'
import { withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'
import { type Row, type RowLayout, renderRows } from '../render/format.ts'
import { humanSize } from '../render/human-size.ts'
import { shortKey } from '../render/users.ts'

interface ImageCheckFlags {
  readonly verify?: boolean
  /** commander's name for `--no-trunc`. */
  readonly trunc: boolean
  readonly format?: string
}

export function addImageCheckCommand(parent: Command): void {
  parent
    .command('check [image...]')
    .description('Tell whether all of an image is here and unpacked')
    .option('--verify', 'read every blob again, too')
    .option('--no-trunc', 'show whole digests')
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .action((images: string[], { verify, trunc, format }: ImageCheckFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const checked = await interruptible((signal) =>
          checkImages(ctx, {
            texts: images,
            platform: wantedPlatform(),
            readsBlobs: verify === true,
            signal,
          }),
        )
        const rows = checked.map((image) => rowOf(image, trunc))
        ctx.stdout.write(renderRows(rows, layout, { format, isTerminal: isatty(1) }))
        for (const { name, problems } of checked) {
          for (const problem of problems) {
            ctx.stderr.line(`${familiarName(parseReference(name))}: ${problem}`)
          }
        }
        if (checked.some(({ problems }) => problems.length > 0)) process.exitCode = 1
      }),
    )
}

/** Source: ctr images check */
const layout: RowLayout = {
  headers: {
    Ref: 'REF',
    Type: 'TYPE',
    Digest: 'DIGEST',
    Status: 'STATUS',
    Size: 'SIZE',
    Unpacked: 'UNPACKED',
    Problems: 'PROBLEMS',
  },
  table: ['Ref', 'Type', 'Digest', 'Status', 'Size', 'Unpacked'],
}

function rowOf(image: CheckedImage, trunc: boolean): Row {
  const { name, target, problems, goodBlobs, allBlobs, goodBytes, allBytes } = image
  const status = problems.length === 0 ? 'complete' : 'incomplete'
  return {
    Ref: familiarName(parseReference(name)),
    Type: target.mediaType,
    Digest: trunc ? shortKey(target.digest) : target.digest,
    Status: `${status} (${goodBlobs}/${allBlobs})`,
    Size: `${humanSize(goodBytes, 3)}/${humanSize(allBytes, 3)}`,
    Unpacked: image.isUnpacked,
    Problems: problems,
  }
}
