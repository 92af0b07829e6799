import { type Functions, templateFunction } from './functions.ts'

const keep = (value: unknown): unknown => value

/**
 * What functions do to a column's title: nothing. `{{upper .Names}}` and `{{slice .ID 0 4}}` change
 * the rows, their titles stay `NAMES` and `CONTAINER ID`.
 *
 * Source: docker "table" formats
 */
export const headerFunctions: Functions = new Map([
  ['json', templateFunction(1, keep)],
  ['title', templateFunction(1, keep)],
  ['lower', templateFunction(1, keep)],
  ['upper', templateFunction(1, keep)],
  ['truncate', templateFunction(2, keep)],
  ['slice', templateFunction({ min: 1 }, keep)],
  ['index', templateFunction({ min: 1 }, keep)],
  ['split', templateFunction(2, keep)],
  ['join', templateFunction(2, keep)],
])
