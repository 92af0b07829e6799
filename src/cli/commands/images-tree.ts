import type { ImageFilter } from '../../image/image-filters.ts'
import { listImageTree } from '../../image/list-image-tree.ts'
import type { Context } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { renderImageTree } from '../render/image-tree.ts'

/** What `images --tree` prints; apart, because it reads documents that a plain list does not. */
export function treeText(ctx: Context, filters: readonly ImageFilter[], trunc: boolean): string {
  return renderImageTree(listImageTree(ctx, wantedPlatform(), filters), { trunc })
}
