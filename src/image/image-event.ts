import type { Digest } from '../oci/digest.ts'
import { isNameless } from '../oci/nameless.ts'
import { familiarName, familiarRepository, parseReference } from '../oci/reference.ts'
import { recordEvent } from '../store/events.ts'
import type { ImageStores } from './stores.ts'

/**
 * Write to the journal what happened to an image.
 *
 * @param action   in docker's words: `pull`, `push`, `tag`, `untag`, `delete`, `load`, `save`, `import`
 * @param target   what the name points at, or pointed at
 * @param name     canonical
 */
export function recordImageEvent(
  { database, namespace }: Pick<ImageStores, 'database' | 'namespace'>,
  action: string,
  target: Digest,
  name: string,
): void {
  const reference = parseReference(name)
  // As docker has it, what goes is named by its id.
  const isById = action === 'delete' || isNameless(reference)
  const familiar = isById ? target : familiarName(reference)
  // As docker has it, pulls and pushes are of a tag or a digest, in a repository.
  const isTransfer = action === 'pull' || action === 'push'
  recordEvent(database, {
    namespace,
    type: 'image',
    action,
    actorId: isTransfer ? familiar : target,
    attributes: { name: isTransfer ? familiarRepository(reference) : familiar },
  })
}
