import { isIP } from 'node:net'
import { isErrno, TsctrError } from '../errors.ts'
import { lockFile } from '../host/file-lock.ts'
import { type MountRequest, mountAll, mountsUnder, unmountTree } from '../host/mount.ts'
import { getVolume, hasRunningUser, type VolumeRecord } from '../store/volumes.ts'
import type { VolumeStores } from './remove-volume.ts'
import { ensureVolumeDirectories, volumeDirectories } from './volume-directories.ts'
import { volumeMount } from './volume-options.ts'

/**
 * Mount what a volume's options say, unless it is mounted already. The container that needs it is
 * recorded as starting: so long, and while it runs, nobody unmounts it.
 *
 * @returns  whether it is a mount, not only a directory
 * @throws  FAILED_PRECONDITION naming the volume, with the kernel's reason as cause
 * Source: moby volume/local; mount(2)
 */
export async function mountVolume(
  stores: Pick<VolumeStores, 'database' | 'dataRoot'>,
  name: string,
): Promise<boolean> {
  const volume = getVolume(stores.database, name)
  if (volume === undefined || !hasOptions(volume)) return false
  const { lock } = ensureVolumeDirectories(stores.dataRoot, name)
  const held = await lockFile(lock)
  try {
    const request = await unmountedRequest(stores.dataRoot, volume)
    if (request !== undefined) mountRequested(request)
    return true
  } finally {
    held.release()
  }
}

/** Unmount a volume that has options when the last container that has it ends. */
export async function unmountVolume(
  stores: Pick<VolumeStores, 'database' | 'dataRoot'>,
  name: string,
  endedContainerId: string,
): Promise<void> {
  const volume = getVolume(stores.database, name)
  if (volume === undefined || !hasOptions(volume)) return
  const { data, lock } = ensureVolumeDirectories(stores.dataRoot, name)
  const held = await lockFile(lock)
  try {
    if (!hasRunningUser(stores.database, name, endedContainerId)) unmountTree(data)
  } finally {
    held.release()
  }
}

/** What to mount on the data of a volume, in plain data. */
export interface VolumeRequest {
  readonly name: string
  readonly data: string
  readonly mount: MountRequest
}

/**
 * What a volume's options want mounted: undefined for a plain directory, and where it is mounted
 * already.
 *
 * @throws  FAILED_PRECONDITION where a server's name has no address
 */
export async function unmountedRequest(
  dataRoot: string,
  { name, options }: VolumeRecord,
): Promise<VolumeRequest | undefined> {
  const mount = volumeMount(options)
  if (mount === undefined) return undefined
  const { data } = volumeDirectories(dataRoot, name)
  if (mountsUnder(data).includes(data)) return undefined
  return { name, data, mount: await withAddress(mount, name) }
}

/** @throws FAILED_PRECONDITION naming the volume, with the kernel's reason as cause */
export function mountRequested({ name, data, mount }: VolumeRequest): void {
  try {
    mountAll([mount], data)
  } catch (error) {
    if (!(error instanceof TsctrError)) throw error
    const { type, source } = mount
    const message = `volume ${name}: cannot mount ${source}, type ${type}`
    const { cause } = error
    throw new TsctrError('FAILED_PRECONDITION', message, { cause, hint: hintFor(cause, type) })
  }
}

function hintFor(cause: unknown, type: string): string | undefined {
  if (isErrno(cause, 'ENODEV')) return `no file system ${type} in this kernel: modprobe ${type}`
  if (isErrno(cause, 'EINVAL')) return 'dmesg may say which option the file system does not take'
  return undefined
}

function hasOptions({ options }: VolumeRecord): boolean {
  return volumeMount(options) !== undefined
}

/**
 * The kernel knows servers by address alone. `addr=NAME` is docker's way to give one; the host
 * before a device's colon is mount(8)'s.
 */
async function withAddress(request: MountRequest, name: string): Promise<MountRequest> {
  if (!/^(nfs|nfs4|cifs)$/.test(request.type)) return request
  const given = request.options.find((option) => option.startsWith('addr='))?.slice('addr='.length)
  const host = given ?? /^(?:\[([^\]]+)\]|([^:/]+)):/.exec(request.source)?.slice(1).find(Boolean)
  if (host === undefined) return request
  const address = isIP(host) === 0 ? await addressOf(host, name) : host
  const others = request.options.filter((option) => !option.startsWith('addr='))
  return { ...request, options: [...others, `addr=${address}`] }
}

async function addressOf(host: string, name: string): Promise<string> {
  const { lookup } = await import('node:dns/promises')
  try {
    return (await lookup(host)).address
  } catch (cause) {
    throw new TsctrError('FAILED_PRECONDITION', `volume ${name}: no address of ${host}`, { cause })
  }
}
