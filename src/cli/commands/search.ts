import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { wholeNumber } from '../../container/flag-values/number.ts'
import { TsctrError } from '../../errors.ts'
import {
  type FoundRepository,
  parseSearchFilter,
  type SearchFilter,
  searchImages,
} from '../../image/search-images.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'
import { interruptible } from '../interrupt.ts'
import { ellipsis } from '../render/ellipsis.ts'
import { type Row, type RowLayout, renderRows } from '../render/format.ts'

interface SearchFlags {
  readonly filter?: readonly SearchFilter[]
  readonly format?: string
  readonly limit: number
  /** commander's name for `--no-trunc`. */
  readonly trunc: boolean
}

const variable = 'TSCTR_SEARCH_URL'
const defaultUrl = 'https://index.docker.io'
const descriptionWidth = 45

export function addSearchCommand(parent: Command): void {
  parent
    .command('search <term>')
    .description(`Search Docker Hub for images (env ${variable} for another index)`)
    .option(
      '-f, --filter <key=value>',
      'is-official=BOOL, is-automated=BOOL, stars=NUMBER',
      repeated('--filter', parseSearchFilter),
    )
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .option('--limit <number>', 'most to show', single('--limit', wholeNumber(1, 100)), 25)
    .option('--no-trunc', 'show all of descriptions')
    .action((term: string, flags: SearchFlags, command: Command) => {
      const baseUrl = searchUrl()
      return withContext(command, async (ctx) => {
        const { limit, filter: filters = [] } = flags
        const found = await interruptible((signal) =>
          searchImages(ctx, { term, baseUrl, limit, filters, signal }),
        )
        const rows = found.map((each) => rowOf(each, flags.trunc))
        ctx.stdout.write(renderRows(rows, layout, { format: flags.format, isTerminal: isatty(1) }))
      })
    })
}

function searchUrl(): URL {
  const text = process.env[variable] || defaultUrl
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return new URL(text)
  throw new TsctrError('INVALID_ARGUMENT', `${variable} ${JSON.stringify(text)}: must be a URL`)
}

/** Source: docker search */
const layout: RowLayout = {
  headers: {
    Name: 'NAME',
    Description: 'DESCRIPTION',
    StarCount: 'STARS',
    IsOfficial: 'OFFICIAL',
    IsAutomated: 'AUTOMATED',
  },
  table: ['Name', 'Description', 'StarCount', 'IsOfficial'],
}

function rowOf(found: FoundRepository, trunc: boolean): Row {
  const description = found.description.replaceAll(/[\n\r]/g, ' ')
  return {
    Name: found.name,
    Description: trunc ? ellipsis(description, descriptionWidth) : description,
    StarCount: String(found.stars),
    IsOfficial: found.isOfficial ? '[OK]' : '',
    IsAutomated: found.isAutomated ? '[OK]' : '',
  }
}
