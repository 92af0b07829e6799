import { TsctrError } from '../errors.ts'
import type { ImageProcessConfig } from '../oci/image-config.ts'
import { isNameless } from '../oci/nameless.ts'
import { keysOf, nilList, nilMap, withOptional } from '../oci/nil.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { familiarName, familiarRepository, parseReference } from '../oci/reference.ts'
import { findImage } from './find-image.ts'
import { unpackedBytes } from './image-layers.ts'
import { imageNames } from './image-names.ts'
import { inspectHealthcheck } from './inspect-healthcheck.ts'
import { shownImage } from './local-images.ts'
import { findLocalImage, type LocalImage } from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { isUnpacked } from './unpack-local.ts'

export interface InspectImageRequest {
  /** A name, an id or a start of one, as typed. */
  readonly text: string
  /** This platform of the image and no other. */
  readonly platform?: Platform | undefined
  /** Otherwise this one, if it is here. */
  readonly preferred: Platform
}

/**
 * Everything that is known of an image, in docker's form.
 *
 * @throws  NOT_FOUND if the image, its platform or its config is not here
 * Source: docker Engine API "ImageInspect"
 */
export function inspectImage(
  stores: Pick<ImageStores, 'namespace' | 'database' | 'content' | 'snapshots'>,
  request: InspectImageRequest,
): object {
  const { text, platform, preferred } = request
  const record = findImage(stores, text, platform ?? preferred)
  const { target } = record
  const image =
    platform === undefined
      ? shownImage(stores, target, preferred)
      : findLocalImage(stores, target, platform)
  if (image === undefined) {
    const what = platform === undefined ? 'its config' : `platform ${formatPlatform(platform)}`
    throw new TsctrError('NOT_FOUND', `image ${text}: ${what} is not here`, {
      hint: `tsctr pull ${text}`,
    })
  }
  const id = image.manifest.config.digest
  const shownId = shownImage(stores, target, preferred)?.manifest.config.digest ?? id
  const names = imageNames(stores, shownId, preferred)
  const references = names.map(({ name }) => parseReference(name))
  const digests = names.flatMap(({ name, target: { digest } }) => {
    const reference = parseReference(name)
    return isNameless(reference) ? [] : [`${familiarRepository(reference)}@${digest}`]
  })
  const { config } = image
  const shown = {
    Id: id,
    RepoTags: references.filter(({ digest }) => digest === undefined).map(familiarName),
    RepoDigests: [...new Set(digests)],
    Parent: '',
    Comment: config.history.at(-1)?.comment ?? '',
    Created: config.created ?? '',
    DockerVersion: '',
    Author: config.author ?? '',
    Config: processOf(config.process),
    Architecture: config.platform.architecture,
    Os: config.platform.os,
    // 0 while it is not unpacked.
    Size: unpackedBytes(image, stores.snapshots.sizes()) ?? 0,
    GraphDriver: graphDriver(stores, image),
    RootFS: { Type: 'layers', Layers: config.diffIDs },
    Metadata: { LastTagTime: record.updatedAt.toISOString() },
    Descriptor: { mediaType: target.mediaType, digest: target.digest, size: target.sizeBytes },
  }
  const { variant, osVersion } = config.platform
  return withOptional(shown, { Variant: [variant, ''], OsVersion: [osVersion, ''] })
}

/** Source: docker Engine API "ContainerConfig", as it stands in an image */
function processOf(process: ImageProcessConfig): object {
  const { exposedPorts, volumes, healthcheck } = process
  const shown = {
    Hostname: '',
    Domainname: '',
    User: process.user,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: process.env.length === 0 ? nilList : process.env,
    Cmd: process.cmd ?? nilList,
    Image: '',
    Volumes: volumes.length === 0 ? nilMap : keysOf(volumes),
    WorkingDir: process.workingDir,
    Entrypoint: process.entrypoint ?? nilList,
    OnBuild: process.onBuild ?? nilList,
    Labels: process.labels.size === 0 ? nilMap : process.labels,
  }
  return withOptional(shown, {
    ExposedPorts: [exposedPorts.length === 0 ? undefined : keysOf(exposedPorts), nilMap],
    Healthcheck: [healthcheck === undefined ? undefined : inspectHealthcheck(healthcheck), null],
    StopSignal: [process.stopSignal, ''],
    Shell: [process.shell, nilList],
  })
}

/** The layers' directories, as docker shows those of overlay2. */
function graphDriver(
  stores: Pick<ImageStores, 'snapshots'>,
  image: LocalImage,
): { Data: unknown; Name: string } {
  const Name = stores.snapshots.name
  if (image.chainID === undefined || !isUnpacked(stores, image)) return { Data: nilMap, Name }
  const [top, ...lower] = stores.snapshots.directoriesTopFirst(image.chainID)
  return {
    Data: { ...(lower.length === 0 ? {} : { LowerDir: lower.join(':') }), UpperDir: top },
    Name,
  }
}
