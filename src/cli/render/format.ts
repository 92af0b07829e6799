import { escapeControls, escapeTerminal } from './escape.ts'
import { stringifyJson } from './json.ts'
import { alignTabs, renderTable, type TableLayout } from './table.ts'
import { printValue } from './template/go-print.ts'
import { headerFunctions } from './template/header-functions.ts'
import { fieldsOfClass, membersOf } from './template/value.ts'
import { parseTemplate } from './template.ts'

/** What one line of a listing is made of: fields by docker's names; functions are methods. */
export type Row = Readonly<Record<string, unknown>>

/** A listing's columns. */
export interface RowLayout {
  /** Title of each field a `table` format may name; a function for a method: `.Label "k"`. */
  readonly headers: Readonly<Record<string, string | ((key: string) => string)>>
  /** Fields of the table shown without a format. */
  readonly table: readonly string[]
  /** Fields of `--format wide`. */
  readonly wide?: readonly string[] | undefined
  readonly spacing?: TableLayout | undefined
}

export interface FormatOptions {
  /** The `--format` flag. */
  readonly format?: string | undefined
  /** Whether the text goes to a terminal, where what templates print is escaped. Tables always are. */
  readonly isTerminal?: boolean | undefined
}

/**
 * A listing as `--format` asks: nothing, '' or `table` is the default table, `wide` the wide one,
 * `table TEMPLATE` a table with headers, `json` an object a line, anything else a template a line.
 * In templates the two characters `\t` and `\n` stand for tab and newline.
 *
 * @returns every line with its newline; '' when there is nothing to print
 * @throws  INVALID_ARGUMENT for a bad template or a field that rows lack
 * Source: docker "Format command and log output"
 */
export function renderRows(
  rows: readonly Row[],
  layout: RowLayout,
  options: FormatOptions = {},
): string {
  const format = options.format?.trim() ?? ''
  if (format === '' || format === 'table') return defaultTable(rows, layout, layout.table)
  if (format === 'wide' && layout.wide !== undefined) return defaultTable(rows, layout, layout.wide)
  if (/^table\b/.test(format)) return templateTable(rows, layout, format.slice('table'.length))
  const line = rowRenderer(options)
  return rows.map((row) => line(row)).join('')
}

/**
 * How one row is printed under a format that is not a table, for rows that come one by one
 * (`events`). A bad template fails here, before the first row.
 */
export function rowRenderer(options: FormatOptions): (row: Row) => string {
  const format = unescapeFormat(options.format ?? '')
  if (format === 'json') return (row) => `${stringifyJson(sortFields(row))}\n`
  const template = parseTemplate(format)
  const escapeText = options.isTerminal === true ? escapeTerminal : undefined
  return (row) => `${template.execute(sortFields(row), { escapeText })}\n`
}

/** docker's title for a column of `.Label "com.example.cpu-set"`: `cpu set`. */
export function labelHeader(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1).replaceAll(/[-_]/g, ' ')
}

function defaultTable(rows: readonly Row[], layout: RowLayout, fields: readonly string[]): string {
  const titles = fields.map((field) => String(layout.headers[field]))
  const cells = rows.map((row) => fields.map((field) => escapeControls(printValue(row[field]))))
  return renderTable(titles, cells, layout.spacing)
}

function templateTable(rows: readonly Row[], layout: RowLayout, text: string): string {
  const template = parseTemplate(unescapeFormat(text))
  const header = template.execute(dictionary(layout.headers), {
    missing: 'no-value',
    functions: headerFunctions,
  })
  const lines = rows.map((row) => {
    return template.execute(escapeFields(sortFields(row)), { escapeText: escapeTerminal })
  })
  const all = [header, ...lines].flatMap((line) => line.split('\n'))
  return alignTabs(all, layout.spacing)
}

function unescapeFormat(format: string): string {
  return format.trim().replaceAll('\\t', '\t').replaceAll('\\n', '\n')
}

/**
 * A copy with fields in alphabetical order, as docker's `{{json .}}` shows them; getters stay. Rows
 * of a class are in that order already.
 */
function sortFields(row: Row): Row {
  if (fieldsOfClass(row) !== undefined) return row
  const fields = Object.entries(Object.getOwnPropertyDescriptors(row))
  const sorted = fields.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return Object.create(Object.prototype, Object.fromEntries(sorted))
}

/** A copy whose texts cannot break the table's lines and columns. */
function escapeFields(row: Row): Row {
  const entries = membersOf(row).map(([name, value]): [string, unknown] => {
    if (typeof value === 'string') return [name, escapeControls(value)]
    if (typeof value !== 'function') return [name, value]
    const method = (key: unknown): unknown => {
      const result: unknown = Reflect.apply(value, row, [key])
      return typeof result === 'string' ? escapeControls(result) : result
    }
    return [name, Object.defineProperty(method, 'length', { value: value.length })]
  })
  return Object.fromEntries(entries)
}

function dictionary(headers: RowLayout['headers']): object {
  return Object.assign(Object.create(null), headers)
}
