import { TsctrError } from '../errors.ts'

/**
 * Turn a parser of one value into commander's form, so that a bad value is refused while the
 * command line is read, in words that begin with the flag.
 */
export function single<T>(flag: string, parse: (text: string) => T): (text: string) => T {
  return (text) => named(flag, () => parse(text))
}

/** As `single`, for a flag that may be given several times: values in order. */
export function repeated<T>(
  flag: string,
  parse: (text: string) => T,
): (text: string, before: readonly T[] | undefined) => T[] {
  // A new list each time: the one before may be the default that other command lines start from.
  return (text, before = []) => [...before, named(flag, () => parse(text))]
}

function named<T>(flag: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof TsctrError)) throw error
    throw new TsctrError(error.code, `${flag} ${error.message}`, {
      hint: error.hint,
      exitCode: error.exitCode,
      cause: error.cause,
    })
  }
}
