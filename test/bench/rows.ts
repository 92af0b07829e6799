/** What is compared. A peer that cannot do a row is left out of it. */
export interface Row {
  /** What `npm run bench -- NAME` selects. */
  readonly name: string
  /** Markdown for the table. */
  readonly title: string
  readonly unit: 'ms' | 'bytes'
  /** Measurements of each peer, in turn with the others. */
  readonly times: number
  /**
   * Each measurement comes right after one of the same peer that is not counted: what another peer
   * does to the host, as podman to the firewall with each of its runs, is not in the figure.
   */
  readonly followsItself?: true
}

export const containersOfPs = 500
export const imagesOfList = 500

const table = [
  { name: 'run-none', title: '`run --rm --network none busybox true`', unit: 'ms', times: 20 },
  {
    name: 'run-bridge',
    title: '`run --rm busybox true` (bridge)',
    unit: 'ms',
    times: 20,
    followsItself: true,
  },
  { name: 'exec', title: '`exec NAME true`', unit: 'ms', times: 20 },
  { name: 'rm', title: '`rm -f` of a running container', unit: 'ms', times: 10 },
  { name: 'ps', title: `\`ps -a\`, ${containersOfPs} containers`, unit: 'ms', times: 20 },
  { name: 'images', title: `\`images\`, ${imagesOfList} images`, unit: 'ms', times: 20 },
  // Before the pulls: the dockerd of those has no bridge, and removes docker0 when it starts.
  { name: 'memory', title: 'resident memory, one idle container', unit: 'bytes', times: 1 },
  { name: 'pull-tmpfs', title: 'cold `pull` of redis, store on tmpfs', unit: 'ms', times: 10 },
  { name: 'pull-disk', title: 'cold `pull` of redis, store on disk', unit: 'ms', times: 5 },
  { name: 'pull-large', title: 'cold `pull` of 1 GiB in 8 layers, tmpfs', unit: 'ms', times: 3 },
  { name: 'pull-peak', title: 'peak memory of that pull', unit: 'bytes', times: 1 },
  { name: 'save', title: '`save` of redis to a file', unit: 'ms', times: 5 },
  { name: 'load', title: 'cold `load` of what it saved', unit: 'ms', times: 5 },
  { name: 'push', title: '`push` of redis to an empty registry', unit: 'ms', times: 10 },
  { name: 'push-large', title: '`push` of that 1 GiB, to an empty registry', unit: 'ms', times: 3 },
  { name: 'push-peak', title: 'peak memory of that push', unit: 'bytes', times: 1 },
  { name: 'version', title: '`version`', unit: 'ms', times: 20 },
] as const satisfies readonly Row[]

/** Rows that need an image too large to be made for nothing. */
export const rowsOfLargeImage: readonly RowName[] = [
  'pull-large',
  'pull-peak',
  'push-large',
  'push-peak',
]

export type RowName = (typeof table)[number]['name']
export type NamedRow = Row & { readonly name: RowName }
export const rows: readonly NamedRow[] = table

/**
 * @param asked  names, or what stands before their dash; none: all rows
 * @returns      in the order of the table
 */
export function selectRows(asked: readonly string[]): typeof rows {
  for (const name of asked) {
    if (!rows.some((row) => isSelected(row, name))) {
      throw new Error(`${name}: no such row; there are ${rows.map((row) => row.name).join(', ')}`)
    }
  }
  return rows.filter((row) => asked.length === 0 || asked.some((name) => isSelected(row, name)))
}

function isSelected(row: Row, asked: string): boolean {
  return row.name === asked || row.name.startsWith(`${asked}-`)
}
