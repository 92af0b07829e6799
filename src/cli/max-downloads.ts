import { wholeNumber } from '../container/flag-values/number.ts'
import { single } from './flag-parser.ts'

const variable = 'TSCTR_MAX_CONCURRENT_DOWNLOADS'
const parse = wholeNumber(1, 64)

/** @throws INVALID_ARGUMENT */
export const parseMaxDownloads = single('--max-concurrent-downloads', parse)

/**
 * How many blobs are fetched at once.
 *
 * @param flag  `--max-concurrent-downloads`; else the environment decides
 * @throws      INVALID_ARGUMENT
 */
export function maxDownloads(flag?: number): number | undefined {
  const text = process.env[variable]
  if (flag !== undefined || text === undefined || text === '') return flag
  return single(variable, parse)(text)
}
