import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import type { ChainID, Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { listDocumentFacts, recordDocumentFacts } from '../store/document-facts.ts'
import { isImageEntry } from './choose-platform.ts'
import { layerSnapshots } from './image-layers.ts'
import { readDocument, readSelected, type Target } from './read-image.ts'
import { maxIndexDepth, type Question, selectManifest } from './select-manifest.ts'
import type { ImageStores } from './stores.ts'

/** What listings show of one platform of an image. */
export interface ImageFacts {
  readonly manifest: Digest
  readonly config: Digest
  readonly platform: Platform
  /** RFC 3339, as the config has it. */
  readonly created: string | undefined
  readonly labels: ReadonlyMap<string, string>
  /** Snapshots it is unpacked into, base first. */
  readonly layersBaseFirst: readonly ChainID[]
  /** Config and layers as they are stored in the registry. */
  readonly blobBytes: number
}

export interface ImageFactsReader {
  /** Every platform of a target that is here, the wanted one first. */
  all(target: Target): ImageFacts[]
  /** The one that listings show. */
  shown(target: Target): ImageFacts | undefined
}

type Stores = Pick<ImageStores, 'database' | 'content'>

/** A document's facts as they are kept in the database. */
type Kept =
  | { readonly kind: 'index'; readonly manifests: readonly Target[] }
  | { readonly kind: 'manifest'; readonly facts: KeptFacts }
type KeptFacts = Omit<ImageFacts, 'labels'> & { readonly labels: readonly [string, string][] }

/**
 * Read what is known of images without opening their documents, as far as that has been done
 * before: one query, however many there are. What was unknown is known to the next one.
 *
 * @param targets  those that will be asked about
 */
export function readImageFacts(
  stores: Stores,
  targets: readonly Target[],
  wanted: Platform,
): ImageFactsReader {
  const known = new Map<Digest, string | Kept>()
  for (const { digest, facts } of listDocumentFacts(stores.database)) {
    known.set(digest as Digest, facts)
  }
  learn(stores, known, targets)
  const read = (digest: Digest): Kept | undefined => {
    const kept = known.get(digest)
    if (typeof kept !== 'string') return kept
    const parsed = JSON.parse(kept) as Kept
    known.set(digest, parsed)
    return parsed
  }
  const all = (target: Target): ImageFacts[] => allBelow(read, target, wanted)
  return {
    all,
    shown: (target) => {
      const first = wantedBelow(read, target, wanted)
      return first === undefined ? all(target)[0] : toFacts(first)
    },
  }
}

/** Read documents that nothing is known of yet, and keep what they say. */
function learn(
  stores: Stores,
  known: Map<Digest, string | Kept>,
  targets: readonly Target[],
): void {
  const learned = new Map<Digest, Kept>()
  const visit = (target: Target, depth: number): void => {
    let kept = known.get(target.digest) ?? learned.get(target.digest)
    if (kept === undefined) {
      kept = keptOf(stores, target)
      if (kept === undefined) return
      learned.set(target.digest, kept)
    } else if (typeof kept === 'string') {
      kept = JSON.parse(kept) as Kept
      known.set(target.digest, kept)
    }
    if (kept.kind === 'manifest' || depth === maxIndexDepth) return
    for (const entry of kept.manifests) visit(entry, depth + 1)
  }
  for (const target of targets) visit(target, 0)
  if (learned.size === 0) return
  for (const [digest, kept] of learned) known.set(digest, kept)
  keep(stores, learned)
}

/** undefined for what is missing, damaged or no image: it may be mended. */
function keptOf(stores: Stores, target: Target): Kept | undefined {
  if (stores.content.stat(target.digest) === undefined) return undefined
  try {
    const document = readDocument(stores, target)
    if (document.kind === 'index') {
      const manifests = document.manifests.filter(isImageEntry).map(
        ({ mediaType, digest, sizeBytes, platform }): Target => ({
          ...{ mediaType, digest, sizeBytes },
          ...(platform === undefined ? {} : { platform }),
        }),
      )
      return { kind: 'index', manifests }
    }
    const image = readSelected(stores, target, { manifestDescriptor: target, manifest: document })
    const { config, layersBaseFirst } = document
    return {
      kind: 'manifest',
      facts: {
        manifest: target.digest,
        config: config.digest,
        platform: image.config.platform,
        created: image.config.created,
        labels: [...image.config.process.labels],
        layersBaseFirst: layerSnapshots(image),
        blobBytes: layersBaseFirst.reduce(
          (sum, { sizeBytes }) => sum + sizeBytes,
          config.sizeBytes,
        ),
      },
    }
  } catch (error) {
    if (error instanceof TsctrError) return undefined
    throw error
  }
}

/** Who may only look, or finds the disk full, looks at the documents each time. */
function keep(stores: Stores, learned: ReadonlyMap<Digest, Kept>): void {
  try {
    writeTransaction(stores.database, () => {
      for (const [digest, kept] of learned) {
        const config = kept.kind === 'manifest' ? kept.facts.config : null
        recordDocumentFacts(stores.database, digest, config, JSON.stringify(kept))
      }
    })
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'SqliteError') throw error
  }
}

type Read = (digest: Digest) => Kept | undefined

function allBelow(read: Read, target: Target, wanted: Platform): ImageFacts[] {
  const found = new Map<Digest, ImageFacts>()
  const first = wantedBelow(read, target, wanted)
  if (first !== undefined) found.set(first.manifest, toFacts(first))
  const visit = ({ digest }: Target, depth: number): void => {
    const kept = read(digest)
    if (kept?.kind === 'manifest' && !found.has(digest)) found.set(digest, toFacts(kept.facts))
    if (kept?.kind !== 'index' || depth === maxIndexDepth) return
    for (const entry of kept.manifests) visit(entry, depth + 1)
  }
  visit(target, 0)
  return [...found.values()]
}

function wantedBelow(read: Read, target: Target, wanted: Platform): KeptFacts | undefined {
  const lone = read(target.digest)
  if (lone?.kind === 'manifest') return lone.facts
  const selection = selectManifest<Kept & { kind: 'manifest' }>(target, wanted)
  const answer = (question: Question<Kept & { kind: 'manifest' }>): Kept | Platform => {
    if (question.kind === 'platform') return question.manifest.facts.platform
    const kept = read(question.descriptor.digest)
    if (kept !== undefined) return kept
    throw new TsctrError('NOT_FOUND', `blob ${question.descriptor.digest}: not known`)
  }
  try {
    let step = selection.next()
    while (step.done !== true) {
      let given: Kept | Platform
      try {
        given = answer(step.value)
      } catch (error) {
        step = selection.throw(error)
        continue
      }
      step = selection.next(given as Exclude<typeof given, { kind: 'index' }>)
    }
    return step.value.manifest.facts
  } catch (error) {
    if (error instanceof TsctrError) return undefined
    throw error
  }
}

function toFacts({ labels, ...facts }: KeptFacts): ImageFacts {
  // JSON has no undefined.
  return { ...facts, created: facts.created, labels: new Map(labels) }
}
