import { TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { drain, type PushChannel, pushError } from './push-channel.ts'

const documentTimeoutMs = 60_000

/**
 * Put a manifest or an index, as it is, whose blobs and manifests are in the repository.
 *
 * @param name  the tag that it gets, or its digest
 * @throws      UNAUTHORIZED, UNAVAILABLE; DIGEST_MISMATCH if the registry has stored something else
 * Source: OCI distribution-spec §pushing-manifests
 */
export async function pushManifest(
  channel: PushChannel,
  descriptor: Pick<Descriptor, 'mediaType' | 'digest'>,
  bytes: Buffer,
  name: string,
): Promise<void> {
  const { mediaType, digest } = descriptor
  const what = `manifest ${name}`
  const response = await channel.send(
    {
      method: 'PUT',
      path: `/${channel.repository}/manifests/${name}`,
      headers: { 'Content-Type': mediaType },
      body: { sizeBytes: bytes.length, open: () => once(bytes) },
      totalTimeoutMs: documentTimeoutMs,
      what,
    },
    channel.newBudget(),
  )
  if (response.status < 200 || response.status >= 300) {
    throw await pushError(channel, what, response)
  }
  await drain(response)
  const stored = response.header('docker-content-digest')
  if (stored?.startsWith('sha256:') && stored !== digest) {
    const words = `expected ${digest}, registry ${channel.host} stored ${stored.slice(0, 71)}`
    throw new TsctrError('DIGEST_MISMATCH', `${channel.name}: ${what}: ${words}`)
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
