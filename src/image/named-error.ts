import { TsctrError } from '../errors.ts'

/** A failure with the name of the image in front; whatever is no failure of tsctr's stays as it is. */
export function namedError(name: string, error: unknown): unknown {
  if (!(error instanceof TsctrError)) return error
  const { code, hint, exitCode } = error
  return new TsctrError(code, name, { cause: error, hint, exitCode })
}
