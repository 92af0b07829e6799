import { TsctrError } from '../errors.ts'
import {
  asObject,
  type JsonObject,
  optionalArray,
  optionalString,
  parseJsonList,
} from '../oci/json-document.ts'
import type { Reference } from '../oci/reference.ts'
import { cleanName, shownName } from './entry-name.ts'
import { checkedReference } from './oci-layout.ts'

/** One image of a docker-archive; its parts are names of entries. */
export interface DockerImage {
  readonly config: string
  readonly layersBaseFirst: readonly string[]
  readonly references: readonly Reference[]
}

const maxLayers = 500

/**
 * Read `manifest.json` of a docker-archive.
 *
 * @throws  INVALID_ARGUMENT, also for names that lead out of the archive
 * Source: moby image/tarexport tarexport.go manifestItem
 */
export function parseDockerManifest(bytes: Buffer, what: string): DockerImage[] {
  const where = `${what}: manifest.json`
  return parseJsonList(bytes, where).map((item, index) => {
    const object = asObject(item, `${where}: image ${index + 1}`)
    const layers = stringList(object, 'Layers', where)
    if (layers.length > maxLayers) {
      const problem = `${layers.length} layers are more than ${maxLayers}`
      throw new TsctrError('INVALID_ARGUMENT', `${where}: ${problem}`)
    }
    return {
      config: entryName(optionalString(object, 'Config', where) ?? '', 'Config', where),
      layersBaseFirst: layers.map((layer) => entryName(layer, 'Layers', where)),
      references: stringList(object, 'RepoTags', where).map((tag) =>
        checkedReference(tag, undefined, where),
      ),
    }
  })
}

function stringList(object: JsonObject, key: string, where: string): string[] {
  return (optionalArray(object, key, where) ?? []).map((item) => {
    if (typeof item === 'string') return item
    throw new TsctrError('INVALID_ARGUMENT', `${where}: ${key} must be a list of strings`)
  })
}

function entryName(text: string, key: string, where: string): string {
  const name = cleanName(text)
  if (name !== undefined && name !== '') return name
  const problem = `${key} ${shownName(text)} is not a name inside of the archive`
  throw new TsctrError('INVALID_ARGUMENT', `${where}: ${problem}`)
}
