import type { Digest } from './digest.ts'
import type { Reference } from './reference.ts'

// `.invalid` is nobody's. Source: RFC 2606 §2
const registry = 'nameless.invalid'
const repository = 'image'

/**
 * The name under which an image is kept that was given none (docker's `<none>`): one loaded,
 * imported or committed without a tag. What has no name at all is garbage.
 */
export function namelessReference(target: Digest): Reference {
  return { registry, repository, tag: undefined, digest: target }
}

export function isNameless(reference: Reference): boolean {
  return reference.registry === registry && reference.repository === repository
}
