import type { ImageTree } from '../../image/list-image-tree.ts'
import { isNameless } from '../../oci/nameless.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { familiarName, familiarRepository, parseReference } from '../../oci/reference.ts'
import { shortId } from './ellipsis.ts'
import { escapeControls } from './escape.ts'
import { humanSize } from './human-size.ts'
import { renderTable } from './table.ts'

const headers = ['IMAGE', 'ID', 'DISK USAGE', 'CONTENT SIZE', 'EXTRA']
const sizeDigits = 3

/**
 * Images with a line for each platform below them; `U` marks what is in use, and what is not here
 * takes no space.
 *
 * Source: docker images --tree
 */
export function renderImageTree(
  images: readonly ImageTree[],
  { trunc }: { trunc: boolean },
): string {
  const idText = (digest: string): string => (trunc ? shortId(digest) : digest)
  const sizes = (part: Pick<ImageTree, 'diskBytes' | 'contentBytes' | 'isUsed'>): string[] => [
    humanSize(part.diskBytes, sizeDigits),
    humanSize(part.contentBytes, sizeDigits),
    part.isUsed ? 'U' : '',
  ]
  const rows = images.flatMap((image) => [
    ...image.names.map((name, index) => [
      escapeControls(nameText(name)),
      // Further names stand above each other, as docker has them.
      ...(index === image.names.length - 1
        ? [idText(image.target), ...sizes(image)]
        : ['', '', '', '']),
    ]),
    ...image.platforms.map((part, index) => [
      `${index === image.platforms.length - 1 ? '└─' : '├─'} ${part.platform === undefined ? '<unknown>' : escapeControls(formatPlatform(part.platform))}`,
      idText(part.manifest),
      ...sizes(part),
    ]),
  ])
  return renderTable(headers, rows).replaceAll(/ +$/gm, '')
}

function nameText(name: string): string {
  const reference = parseReference(name)
  return isNameless(reference) ? familiarRepository(reference) : familiarName(reference)
}
