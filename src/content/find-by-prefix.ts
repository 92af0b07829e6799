import { TsctrError } from '../errors.ts'
import type { Blob } from './records.ts'
import type { ContentStore } from './store.ts'

/**
 * The blob whose digest starts so.
 *
 * @param text  `sha256:` may be left out
 * @throws      NOT_FOUND, INVALID_ARGUMENT for what starts several digests or none there could be
 */
export function findBlobByPrefix(content: ContentStore, text: string): Blob {
  const prefix = text.replace(/^sha256:/, '')
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) {
    throw new TsctrError('INVALID_ARGUMENT', `digest ${JSON.stringify(text)}: must be hex digits`)
  }
  const [blob, another] = content
    .list()
    .filter(({ digest }) => digest.startsWith(`sha256:${prefix}`))
  if (blob === undefined) {
    throw new TsctrError('NOT_FOUND', `blob ${text}: not in the content store`, {
      hint: 'tsctr content ls lists those that are',
    })
  }
  if (another !== undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `blob ${text}: several digests start so`)
  }
  return blob
}
