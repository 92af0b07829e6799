import { TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { parseImageDocument } from '../oci/image-manifest.ts'
import { optionalString, parseJsonObject } from '../oci/json-document.ts'
import { mediaTypes } from '../oci/media-type.ts'
import { parseReference, type Reference } from '../oci/reference.ts'
import { nameAnnotation, refNameAnnotation } from './image-archive.ts'

/** What `index.json` lists, each target once. */
export interface LayoutImage {
  readonly target: Descriptor
  /** None where it lists the image without a name. */
  readonly references: readonly Reference[]
}

/**
 * Read the two documents of an OCI layout.
 *
 * @throws  UNSUPPORTED for a layout of another version, INVALID_ARGUMENT
 * Source: OCI image-spec §image-layout.md
 */
export function parseLayout(layout: Buffer, index: Buffer, what: string): LayoutImage[] {
  checkVersion(layout, `${what}: oci-layout`)
  const document = parseImageDocument(index, mediaTypes.ociIndex, `${what}: index.json`)
  if (document.kind !== 'index') {
    throw new TsctrError('INVALID_ARGUMENT', `${what}: index.json: is not an index`)
  }
  const images = new Map<Digest, { target: Descriptor; references: Reference[] }>()
  for (const target of document.manifests) {
    const image = images.get(target.digest) ?? { target, references: [] }
    images.set(target.digest, image)
    const name = nameOf(target)
    if (name !== undefined) image.references.push(checkedReference(name, target.digest, what))
  }
  return [...images.values()]
}

function checkVersion(layout: Buffer, what: string): void {
  const version = optionalString(parseJsonObject(layout, what), 'imageLayoutVersion', what)
  if (version === '1.0.0') return
  throw new TsctrError('UNSUPPORTED', `${what}: version ${JSON.stringify(version)} is not 1.0.0`)
}

/** The second annotation may be a whole name, as podman writes it, or no more than a tag. */
function nameOf({ annotations }: Descriptor): string | undefined {
  const name = annotations?.get(nameAnnotation)
  if (name !== undefined) return name
  const refName = annotations?.get(refNameAnnotation)
  return refName !== undefined && /[/:]/.test(refName) ? refName : undefined
}

/** @throws INVALID_ARGUMENT for a name with a digest that is another image's */
export function checkedReference(
  text: string,
  target: Digest | undefined,
  what: string,
): Reference {
  let reference: Reference
  try {
    reference = parseReference(text)
  } catch (cause) {
    throw new TsctrError('INVALID_ARGUMENT', `${what}: bad name`, { cause })
  }
  if (reference.digest === undefined || reference.digest === target) return reference
  const problem = `name ${text}: the digest is not that of the image`
  throw new TsctrError('INVALID_ARGUMENT', `${what}: ${problem}`)
}
