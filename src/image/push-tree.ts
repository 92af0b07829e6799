import { TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { maxManifestBytes, parseDescriptor } from '../oci/image-manifest.ts'
import {
  asObject,
  field,
  type JsonObject,
  optionalArray,
  parseJsonObject,
} from '../oci/json-document.ts'
import { isForeignLayer, isIndex } from '../oci/media-type.ts'
import type { Target } from './read-image.ts'
import { maxIndexDepth } from './select-manifest.ts'
import type { ImageStores } from './stores.ts'

/** A document and all that it leads to, as far as that is here. */
export interface PushNode {
  readonly descriptor: Target
  /** undefined: not here, and so nothing below it is known. */
  readonly document: JsonObject | undefined
  readonly bytes: Buffer | undefined
  /** Of an index, in its order. */
  readonly entries: readonly PushEntry[]
  /** Of a manifest. */
  readonly blobs: readonly PushedBlob[]
}

export interface PushEntry {
  readonly descriptor: Descriptor
  /** As the index has it. */
  readonly raw: JsonObject
  readonly node: PushNode
}

export interface PushedBlob {
  readonly descriptor: Descriptor
  readonly role: 'config' | 'layer'
  /** Kept where its `urls` say, as its licence demands. */
  readonly isForeign: boolean
  readonly isHere: boolean
}

type Documents = Pick<ImageStores, 'content'>

/**
 * Read what a target leads to. Unlike for a pull, attestations and other things beside the images
 * count, so nothing is asked of a document but its descriptors.
 *
 * @throws  INVALID_ARGUMENT, DIGEST_MISMATCH for a document that is damaged
 */
export function readPushTree(stores: Documents, target: Target): PushNode {
  const known = new Map<Digest, PushNode>()
  const read = (descriptor: Target, depth: number): PushNode => {
    const { digest } = descriptor
    const before = known.get(digest)
    if (before !== undefined) return before
    if (depth > maxIndexDepth) {
      const message = `index ${target.digest}: nested deeper than ${maxIndexDepth}`
      throw new TsctrError('INVALID_ARGUMENT', message)
    }
    const node = readNode(stores, descriptor, (entry) => read(entry, depth + 1))
    known.set(digest, node)
    return node
  }
  return read(target, 0)
}

/** Every node once, those that are pointed at before those that point. */
export function nodesChildrenFirst(root: PushNode): PushNode[] {
  const seen = new Set<PushNode>()
  const visit = (node: PushNode): PushNode[] => {
    if (seen.has(node)) return []
    seen.add(node)
    return [...node.entries.flatMap((entry) => visit(entry.node)), node]
  }
  return visit(root)
}

/** What is not here of a node and below, for people; foreign layers count where they are pushed. */
export function missingParts(root: PushNode, pushesForeignLayers: boolean): string[] {
  return nodesChildrenFirst(root).flatMap((node) => {
    if (node.bytes === undefined) return [`manifest ${node.descriptor.digest}`]
    return node.blobs
      .filter(({ isHere, isForeign }) => !isHere && (pushesForeignLayers || !isForeign))
      .map(({ role, descriptor }) => `${role} ${descriptor.digest}`)
  })
}

function readNode(
  stores: Documents,
  descriptor: Target,
  read: (entry: Target) => PushNode,
): PushNode {
  const { digest } = descriptor
  const absent = { descriptor, document: undefined, bytes: undefined, entries: [], blobs: [] }
  if (stores.content.stat(digest) === undefined) return absent
  const what = `manifest ${digest}`
  const bytes = stores.content.readDocument(digest, maxManifestBytes)
  const document = parseJsonObject(bytes, what)
  const node = { descriptor, document, bytes }
  if (!isIndex(descriptor.mediaType)) {
    return { ...node, entries: [], blobs: blobsOf(stores, document, what) }
  }
  const entries = (optionalArray(document, 'manifests', what) ?? []).map((value, position) => {
    const raw = asObject(value, `${what}: manifests[${position}]`)
    const entry = parseDescriptor(raw, `${what}: manifests[${position}]`)
    return { descriptor: entry, raw, node: read(entry) }
  })
  return { ...node, entries, blobs: [] }
}

function blobsOf(stores: Documents, document: JsonObject, what: string): PushedBlob[] {
  const config = field(document, 'config')
  const layers = optionalArray(document, 'layers', what) ?? []
  const blob = (value: unknown, role: PushedBlob['role']): PushedBlob => {
    const descriptor = parseDescriptor(value, `${what}: ${role}`)
    const isForeign = isForeignLayer(descriptor.mediaType)
    const isHere = stores.content.stat(descriptor.digest) !== undefined
    return { descriptor, role, isForeign, isHere }
  }
  return [
    ...(config === undefined ? [] : [blob(config, 'config')]),
    ...layers.map((layer) => blob(layer, 'layer')),
  ]
}
