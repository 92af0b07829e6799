import { resolve } from 'node:path'
import { TsctrError } from '../../errors.ts'
import type { Platform } from '../../oci/platform.ts'
import type { ContainerStores } from '../stores.ts'
import { withContainerTree } from './container-tree.ts'
import { type CopyResult, copyApart } from './copy-apart.ts'
import { withImageTree } from './image-tree.ts'
import { assertsDirectory } from './locate.ts'
import type { TreePlace } from './open-tree.ts'
import type { CopyOperand } from './operand.ts'
import type { CopyFrom, CopyTask, CopyTo } from './run-copy.ts'
import { createSharedInput, type SharedInput } from './shared-input.ts'
import { volumeTree } from './volume-tree.ts'

export interface CopyRequest {
  readonly from: CopyOperand
  readonly to: CopyOperand
  /** Keep uid, gid and attributes. */
  readonly isArchive: boolean
  /** A link that is the source itself stands for what it points to. */
  readonly followsLink: boolean
  /** Of an image. */
  readonly platform: Platform
  /** Where an archive is read from and, by its descriptor, written to. */
  readonly input: () => AsyncIterable<Buffer>
  readonly outputFd: number
  readonly signal: AbortSignal
}

type Tree = Extract<CopyOperand, { kind: 'container' | 'image' | 'volume' }>

/**
 * Copy files out of a container, an image or a volume, or into a container or a volume.
 *
 * Nothing is run in the container and nothing of it is loaded. A running one is reached by the root
 * of its first process; of one that is stopped, what it would see is mounted in a thread of its own,
 * and it cannot be started meanwhile.
 *
 * @throws  NOT_FOUND, INVALID_ARGUMENT, FAILED_PRECONDITION; the signal's reason
 * Source: docker container cp
 */
export async function copyFiles(
  stores: ContainerStores,
  request: CopyRequest,
): Promise<CopyResult> {
  const { from, to } = request
  const tree = treeOperand(from, to)
  const copy = async (place: TreePlace, path: string): Promise<CopyResult> => {
    const isInto = tree === to
    const input = from.kind === 'stream' ? createSharedInput() : undefined
    const { followsLink } = request
    const task: CopyTask = {
      from: fromOf(from, { place, path, followsLink, input }),
      to: toOf(to, { place, path, fd: request.outputFd }),
      owner: request.isArchive ? undefined : isInto ? { uid: 0, gid: 0 } : caller(),
      keepsXattrs: request.isArchive,
      interruption: new SharedArrayBuffer(4),
    }
    return copyApart(task, input && { shared: input, source: request.input() }, request.signal)
  }
  if (tree.kind === 'volume') return copy(await volumeTree(stores, tree.name), tree.path)
  if (tree.kind === 'image') return withImageTree(stores, tree.text, request.platform, copy)
  return withContainerTree(stores, tree.name, (place) => copy(place, tree.path))
}

/** @throws  INVALID_ARGUMENT unless exactly one side is a container, an image or a volume */
function treeOperand(from: CopyOperand, to: CopyOperand): Tree {
  if (to.kind === 'image') {
    throw new TsctrError('INVALID_ARGUMENT', `image:${to.text}: images cannot be changed`)
  }
  const isTree = (operand: CopyOperand): operand is Tree =>
    operand.kind !== 'stream' && operand.kind !== 'host'
  if (isTree(from) && isTree(to)) {
    throw new TsctrError('INVALID_ARGUMENT', 'copying between containers is not supported', {
      hint: 'tsctr cp CONTAINER:PATH - | tsctr cp - CONTAINER:PATH',
    })
  }
  if (isTree(from)) return from
  if (isTree(to)) return to
  throw new TsctrError('INVALID_ARGUMENT', 'must specify at least one container source', {
    hint: 'tsctr cp CONTAINER:PATH DESTINATION, or tsctr cp SOURCE CONTAINER:PATH',
  })
}

interface Sides {
  readonly place: TreePlace
  readonly path: string
}

function fromOf(
  from: CopyOperand,
  sides: Sides & { readonly followsLink: boolean; readonly input: SharedInput | undefined },
): CopyFrom {
  const { followsLink, input } = sides
  if (input !== undefined) return { kind: 'stream', input }
  if (from.kind === 'host') {
    return { kind: 'tree', place: { kind: 'host' }, path: absolute(from.path), followsLink }
  }
  return { kind: 'tree', place: sides.place, path: sides.path, followsLink }
}

function toOf(to: CopyOperand, sides: Sides & { readonly fd: number }): CopyTo {
  if (to.kind === 'stream') return { kind: 'stream', fd: sides.fd }
  if (to.kind === 'host') {
    return { kind: 'tree', place: { kind: 'host' }, path: absolute(to.path) }
  }
  return { kind: 'tree', place: sides.place, path: sides.path }
}

/** The end says what is meant: a directory, or its contents. Source: moby PreserveTrailingDotOrSeparator */
function absolute(path: string): string {
  const whole = resolve(path)
  if (!assertsDirectory(path)) return whole
  return path.endsWith('/') ? `${whole}/` : `${whole}/.`
}

function caller(): { uid: number; gid: number } {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
}
