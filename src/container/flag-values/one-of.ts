import { TsctrError } from '../../errors.ts'

/** A parser that takes the given words only. */
export function oneOf<T extends string>(...words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((known) => known === text)
    if (word !== undefined) return word
    const message = `${JSON.stringify(text)}: must be ${words.join(', ')}`.replace(
      /, ([^,]*)$/,
      words.length > 1 ? ' or $1' : ', $1',
    )
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
}
