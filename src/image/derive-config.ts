import type { DiffID } from '../oci/digest.ts'
import type { JsonObject } from '../oci/json-document.ts'
import { field } from '../oci/json-document.ts'
import type { Platform } from '../oci/platform.ts'
import type { ConfigPart } from './config-change.ts'

/** What a new image says of itself beyond what it is made of. */
export interface NewImageStory {
  readonly created: Date
  readonly author?: string | undefined
  readonly comment?: string | undefined
  /** The command line that made the layer. */
  readonly createdBy: string
}

/** What docker kept of the container that an image was made in; it would speak of another image. */
const keysOfMaker = [
  'id',
  'parent',
  'container',
  'container_config',
  'docker_version',
  'moby.buildkit.buildinfo.v1',
]

/**
 * The config document of an image that adds at most one layer to another, or starts anew.
 *
 * @param base    the other image's document; what it says that tsctr does not know stays
 * @param diffID  of the layer; undefined where nothing was changed
 * Source: OCI image-spec §config.md
 */
export function deriveConfig(
  base: JsonObject,
  change: {
    readonly config: ConfigPart
    readonly platform: Platform
    readonly diffIDsBelow: readonly DiffID[]
    readonly diffID: DiffID | undefined
    readonly story: NewImageStory
  },
): Buffer {
  const { platform, story, diffID } = change
  const kept = Object.entries(base).filter(([key]) => !keysOfMaker.includes(key))
  const history = field(base, 'history')
  const created = story.created.toISOString()
  const document = {
    ...Object.fromEntries(kept),
    created,
    author: story.author,
    architecture: platform.architecture,
    os: platform.os,
    variant: platform.variant,
    'os.version': platform.osVersion,
    config: change.config,
    rootfs: {
      type: 'layers',
      diff_ids: [...change.diffIDsBelow, ...(diffID === undefined ? [] : [diffID])],
    },
    history: [
      ...(Array.isArray(history) ? history : []),
      {
        created,
        created_by: story.createdBy,
        author: story.author,
        comment: story.comment,
        empty_layer: diffID === undefined ? true : undefined,
      },
    ],
  }
  // What is undefined is left out.
  return Buffer.from(JSON.stringify(document))
}
