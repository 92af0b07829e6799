import type { Command } from 'commander'
import {
  fetchRemoteDocument,
  fetchRemoteManifests,
  type RemoteDocument,
} from '../../image/remote-manifest.ts'
import { isIndex, mediaTypes } from '../../oci/media-type.ts'
import {
  canonicalName,
  parseReference,
  type Reference,
  repositoryName,
} from '../../oci/reference.ts'
import { withContext } from '../context.ts'
import { interruptible } from '../interrupt.ts'
import { addRegistryFlags, type RegistryFlags, useRegistryFlags } from '../registry-flags.ts'
import { reindentJson } from '../render/json.ts'

interface ManifestInspectFlags extends RegistryFlags {
  readonly verbose?: boolean
  readonly insecure?: boolean
}

export function addManifestInspectCommand(parent: Command): void {
  const command = parent
    .command('inspect <reference>')
    .description('Show a manifest or an index as its registry has it')
    .option('-v, --verbose', 'with the manifests of an index, and the platform of each')
    .option('--insecure', 'as --no-tls-verify')
  addRegistryFlags(command).action((text: string, flags: ManifestInspectFlags, self: Command) => {
    const reference = parseReference(text)
    return withContext(self, async (ctx) => {
      const tlsVerify = flags.tlsVerify && flags.insecure !== true
      await useRegistryFlags(ctx, reference.registry, { ...flags, tlsVerify })
      const shown = await interruptible(async (signal) => {
        const document = await fetchRemoteDocument(ctx, reference, signal)
        if (flags.verbose !== true) return plain(document)
        const isList = isIndex(document.descriptor.mediaType)
        const manifests = await fetchRemoteManifests(ctx, reference, document, signal)
        const entries = manifests.map((each) => verbose(reference, each, isList))
        return reindentJson(isList ? entries : entries[0], '\t')
      })
      ctx.stdout.line(shown)
    })
  })
}

/** Source: docker manifest inspect, which indents a list by three spaces and a manifest by a tab */
function plain({ descriptor, bytes }: RemoteDocument): string {
  const document: unknown = JSON.parse(bytes.toString())
  return reindentJson(document, isIndex(descriptor.mediaType) ? 3 : '\t')
}

/** Source: docker/cli manifest/types ImageManifest */
function verbose(
  reference: Reference,
  { descriptor, bytes }: RemoteDocument,
  isList: boolean,
): object {
  const { mediaType, digest, sizeBytes, platform } = descriptor
  const isDocker = mediaType === mediaTypes.dockerManifest
  return {
    Ref: isList ? `${repositoryName(reference)}@${digest}` : canonicalName(reference),
    Descriptor: {
      mediaType,
      digest,
      size: sizeBytes,
      ...(platform === undefined ? {} : { platform: shownPlatform(platform) }),
    },
    Raw: bytes.toString('base64'),
    [isDocker ? 'SchemaV2Manifest' : 'OCIManifest']: JSON.parse(bytes.toString()) as unknown,
  }
}

function shownPlatform(platform: NonNullable<RemoteDocument['descriptor']['platform']>): object {
  const { architecture, os, osVersion, osFeatures, variant } = platform
  return {
    architecture,
    os,
    ...(osVersion === undefined ? {} : { 'os.version': osVersion }),
    ...(osFeatures === undefined ? {} : { 'os.features': osFeatures }),
    ...(variant === undefined ? {} : { variant }),
  }
}
