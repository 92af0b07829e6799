import type { Command } from 'commander'
import { addPullCommand } from './pull.ts'

/** A pull that leaves the layers packed. Source: ctr content fetch */
export function addContentFetchCommand(parent: Command): void {
  addPullCommand(parent)
  parent.commands
    .at(-1)
    ?.description('Download an image without unpacking it: pull --unpack=false')
    .setOptionValue('unpack', 'false')
}
