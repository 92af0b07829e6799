import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { mountImage } from '../../image/mount-image.ts'
import { mountLabels } from '../../image/mounted-images.ts'
import { familiarName, parseReference } from '../../oci/reference.ts'
import { type MountedView, mountedViews } from '../../snapshot/mounted-views.ts'
import { withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'
import { type Row, type RowLayout, renderRows } from '../render/format.ts'
import { shortKey } from '../render/users.ts'
import { mountHome } from './snapshot-view.ts'

export function addImageMountCommand(parent: Command): void {
  parent
    .command('mount [image] [directory]')
    .description('Mount an image read-only and print where; without an image, list what is mounted')
    .option('--platform <os/arch>', 'platform of the image')
    .option('--format <format>', "of the list: 'table', 'json', a Go template, or 'table TEMPLATE'")
    .action(
      (
        image: string | undefined,
        directory: string | undefined,
        { platform, format }: { platform?: string; format?: string },
        command: Command,
      ) =>
        withContext(command, async (ctx) => {
          if (image === undefined) {
            const rows = mountedViews(ctx.snapshots)
              .filter(({ state }) => state !== 'stale')
              .map(rowOf)
            ctx.stdout.write(renderRows(rows, layout, { format, isTerminal: isatty(1) }))
            return
          }
          const mounted = await interruptible((signal) =>
            mountImage(ctx, {
              text: image,
              platform: wantedPlatform(platform),
              viewer: ctx.snapshotter(ctx.containerSnapshotter),
              target: directory,
              home: mountHome(ctx.stateRoot),
              signal,
            }),
          )
          ctx.stdout.line(mounted.target)
        }),
    )
}

const layout: RowLayout = {
  headers: { Image: 'IMAGE', ID: 'IMAGE ID', Target: 'TARGET', Snapshot: 'SNAPSHOT' },
  table: ['Image', 'ID', 'Target'],
}

function rowOf({ labels, target, parent }: MountedView): Row {
  const name = labels[mountLabels.name]
  return {
    // Of a mount made by `snapshot view` only the snapshot is known.
    Image: name === undefined ? '<none>' : familiarName(parseReference(name)),
    ID: shortKey(labels[mountLabels.config] ?? ''),
    Target: target,
    Snapshot: parent,
  }
}
