import { TsctrError } from '../errors.ts'

/** Keys that leave a container running. Source: docker attach --detach-keys */
export const defaultDetachKeys = 'ctrl-p,ctrl-q'

/**
 * Bytes of a key sequence: `ctrl-p,ctrl-q`, `a,b`, `ctrl-\\`; empty for none.
 *
 * @throws  INVALID_ARGUMENT
 */
export function parseDetachKeys(text: string): Buffer {
  if (text === '') return Buffer.alloc(0)
  return Buffer.from(text.split(',').map((key) => keyByte(key, text)))
}

/**
 * Watches input for a key sequence that may arrive in pieces.
 *
 * What could be its beginning is held back until the next byte decides.
 */
export class DetachKeyFilter {
  readonly #keys: Buffer
  #matched = 0

  constructor(keys: Buffer) {
    this.#keys = keys
  }

  /** @returns the bytes to pass on, and whether the sequence is complete (what follows it is dropped) */
  feed(input: Buffer): { pass: Buffer; isDetached: boolean } {
    if (this.#keys.length === 0) return { pass: input, isDetached: false }
    const pass: number[] = []
    for (const byte of input) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched += 1
        if (this.#matched === this.#keys.length) {
          this.#matched = 0
          return { pass: Buffer.from(pass), isDetached: true }
        }
        continue
      }
      pass.push(...this.#keys.subarray(0, this.#matched))
      this.#matched = byte === this.#keys[0] ? 1 : 0
      if (this.#matched === 0) pass.push(byte)
    }
    return { pass: Buffer.from(pass), isDetached: false }
  }
}

function keyByte(key: string, whole: string): number {
  if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0)
  const control = /^ctrl-([a-zA-Z@[\\\]^_])$/.exec(key)?.[1]
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 0x40
  throw new TsctrError('INVALID_ARGUMENT', `detach keys ${whole}: ${key} is no key`, {
    hint: 'one character, or ctrl- and a letter or one of @ [ \\ ] ^ _',
  })
}
