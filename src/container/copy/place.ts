import { TsctrError } from '../../errors.ts'

/** What is copied, as far as the rules ask. */
export interface CopySource {
  readonly isDirectory: boolean
  /** `DIR/.` and the root: what is in it, not itself. */
  readonly isContents: boolean
  /** What it is called; of a followed link, the link's name. */
  readonly name: string
}

/** What the destination is, symlinks followed. */
export interface CopyDestination {
  /** As errors name it. */
  readonly shown: string
  readonly kind: 'missing' | 'directory' | 'other'
  /** Ends in `/` or `/.`: it must be a directory. */
  readonly assertsDirectory: boolean
  /** Its own name in the directory that holds it. */
  readonly name: string
}

/** Where a copy goes. */
export type CopyPlace =
  /** Into the destination, which is a directory; under the name, or only what is in the source. */
  | { readonly directory: 'destination'; readonly name: string | undefined }
  /** Into the directory that holds the destination, under the destination's name. */
  | { readonly directory: 'parent'; readonly name: string }

/**
 * The rules of `docker cp`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker container cp §Extended description; moby archive/copy.go PrepareArchiveCopy
 */
export function placeOfCopy(source: CopySource, destination: CopyDestination): CopyPlace {
  const { shown, kind, assertsDirectory, name } = destination
  if (kind === 'directory') {
    return { directory: 'destination', name: source.isContents ? undefined : source.name }
  }
  if (kind === 'other' && source.isDirectory) {
    throw new TsctrError('INVALID_ARGUMENT', `${shown}: is a file, cannot copy a directory to it`)
  }
  if (!source.isDirectory && assertsDirectory) {
    const problem = kind === 'missing' ? 'no such directory' : 'not a directory'
    throw new TsctrError('INVALID_ARGUMENT', `${shown}: ${problem}`)
  }
  return { directory: 'parent', name }
}
