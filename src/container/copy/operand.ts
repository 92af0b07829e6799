import { TsctrError } from '../../errors.ts'

/** One side of a copy, as typed. */
export type CopyOperand =
  /** `-`: a tar archive on stdin or stdout. */
  | { readonly kind: 'stream' }
  | { readonly kind: 'host'; readonly path: string }
  | { readonly kind: 'container'; readonly name: string; readonly path: string }
  /** What follows `image:`; which part of it is the reference, only the images can tell. */
  | { readonly kind: 'image'; readonly text: string }
  | { readonly kind: 'volume'; readonly name: string; readonly path: string }

/**
 * Tell `CONTAINER:PATH` from a path on the host. A host path with a colon begins with `/` or `.`.
 *
 * @throws  INVALID_ARGUMENT if it is empty
 * Source: docker/cli container/cp.go splitCpArg
 */
export function parseCopyOperand(text: string): CopyOperand {
  if (text === '') throw new TsctrError('INVALID_ARGUMENT', 'path: is empty')
  if (text === '-') return { kind: 'stream' }
  const colon = text.indexOf(':')
  if (colon === -1 || text.startsWith('/') || text.startsWith('.')) {
    return { kind: 'host', path: text }
  }
  const name = text.slice(0, colon)
  const rest = text.slice(colon + 1)
  // A path in a container of that very name begins with a slash; a name does not.
  const isName = rest !== '' && !rest.startsWith('/')
  if (name === 'image' && isName) return { kind: 'image', text: rest }
  if (name === 'volume' && isName) return volumeOperand(rest)
  if (name === '') {
    throw new TsctrError('INVALID_ARGUMENT', `${text}: no container before the colon`, {
      hint: `./${text} is a file of that name`,
    })
  }
  return { kind: 'container', name, path: rest }
}

/** `NAME`, `NAME/PATH` or, as an image's, `NAME:/PATH`. */
function volumeOperand(text: string): CopyOperand {
  const slash = text.indexOf('/')
  const [name, path] = slash === -1 ? [text, '/'] : [text.slice(0, slash), text.slice(slash)]
  return { kind: 'volume', name: name.replace(/:$/, ''), path }
}

/**
 * Every way to read REFERENCE/PATH, the longest reference first. `REFERENCE:/PATH` can be read in
 * one way only.
 */
export function imagePathCandidates(
  text: string,
): { readonly reference: string; readonly path: string }[] {
  const plain = text.indexOf(':/')
  if (plain > 0) return [{ reference: text.slice(0, plain), path: text.slice(plain + 1) }]
  const found: { reference: string; path: string }[] = []
  for (let end = text.length; end > 0; end = text.lastIndexOf('/', end - 1)) {
    found.push({ reference: text.slice(0, end), path: text.slice(end) })
  }
  return found
}
