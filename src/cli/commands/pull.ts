import type { Command } from 'commander'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { TsctrError } from '../../errors.ts'
import type { PullRequest } from '../../image/pull.ts'
import { type PolicedPull, pullByPolicy } from '../../image/pull-by-policy.ts'
import { type PullPolicy, pullPolicies } from '../../image/pull-policy.ts'
import { formatPlatform, isSamePlatform, type Platform, platformRank } from '../../oci/platform.ts'
import {
  familiarName,
  familiarRepository,
  hasDefaultTag,
  parseReference,
  type Reference,
  repositoryName,
} from '../../oci/reference.ts'
import { type Context, withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'
import { maxDownloads, parseMaxDownloads } from '../max-downloads.ts'
import { addRegistryFlags, type RegistryFlags, useRegistryFlags } from '../registry-flags.ts'
import { escapeControls } from '../render/escape.ts'
import { createProgress, type ProgressMode, progressModes } from '../render/progress.ts'
import { forEachTarget } from '../targets.ts'

interface PullFlags extends RegistryFlags {
  readonly quiet?: boolean
  readonly allTags?: boolean
  readonly platform?: readonly string[]
  readonly allPlatforms?: boolean
  readonly unpack: 'auto' | 'true' | 'false'
  readonly policy: PullPolicy
  readonly maxConcurrentDownloads?: number
  readonly progress: ProgressMode
}

export function addPullCommand(parent: Command): void {
  const command = parent
    .command('pull <reference>')
    .description('Download an image from a registry')
    .option('-q, --quiet', 'print nothing but the name of the image')
    .option('-a, --all-tags', 'pull every tag of the repository')
    .option(
      '--platform <os/arch>',
      'platform to pull, may be repeated (env DOCKER_DEFAULT_PLATFORM)',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option('--all-platforms', 'pull all that the index leads to, attestations too')
    .option(
      '--unpack <mode>',
      'unpack the layers of all that is pulled (true), of what this machine runs (auto), or keep ' +
        'them packed until a container needs them (false)',
      single('--unpack', oneOf('auto', 'true', 'false')),
      'auto',
    )
    .option(
      '--policy <when>',
      'ask the registry always, for what is missing, never, or for what is newer if it can be asked',
      single('--policy', oneOf(...pullPolicies)),
      'always',
    )
    .option(
      '--max-concurrent-downloads <number>',
      'transfers at once (default: 6) (env TSCTR_MAX_CONCURRENT_DOWNLOADS)',
      parseMaxDownloads,
    )
    .option(
      '--progress <mode>',
      'how to show progress on stderr: auto, plain, json or none',
      single('--progress', oneOf(...progressModes)),
      'auto',
    )
  addRegistryFlags(command).action((text: string, flags: PullFlags, self: Command) => {
    const reference = pullableReference(text, flags)
    const wanted = wantedOf(flags)
    return withContext(self, async (ctx) => {
      await useRegistryFlags(ctx, reference.registry, flags)
      const mode = flags.quiet === true ? 'none' : flags.progress
      const speaks = mode === 'auto' || mode === 'plain'
      if (flags.allTags === true) {
        await forEachTarget(await allTags(ctx, reference), (tagged) =>
          pullOne(ctx, mode, { ...wanted, reference: tagged }),
        )
        return
      }
      if (speaks && hasDefaultTag(text)) ctx.stderr.line('Using default tag: latest')
      await pullOne(ctx, mode, { ...wanted, reference })
    })
  })
}

/** Source: docker pull */
function pullableReference(text: string, { allTags }: PullFlags): Reference {
  const reference = parseReference(text)
  if (allTags !== true || hasDefaultTag(text)) return reference
  throw new TsctrError('INVALID_ARGUMENT', `${text}: a tag cannot be used with --all-tags`)
}

type Wanted = Omit<Parameters<typeof pullByPolicy>[1], 'reference'>

function wantedOf(flags: PullFlags): Wanted {
  const platforms = flags.platform?.map((text) => wantedPlatform(text))
  if (platforms !== undefined && flags.allPlatforms === true) {
    throw new TsctrError('INVALID_ARGUMENT', '--all-platforms: cannot be used with --platform')
  }
  const own = wantedPlatform()
  const unpacksAll = flags.unpack === 'true'
  const common = {
    policy: flags.policy,
    maxDownloads: maxDownloads(flags.maxConcurrentDownloads),
  }
  if (flags.allPlatforms === true) {
    const others = { platforms: 'all', unpacks: unpacksAll } as const
    return { ...common, platform: own, unpacks: flags.unpack !== 'false', others }
  }
  const [first = own, ...rest] = ownFirst(platforms ?? [], own)
  const runsHere = rest.length === 0 || isSamePlatform(first, own)
  return {
    ...common,
    platform: first,
    unpacks: unpacksAll || (flags.unpack === 'auto' && runsHere),
    ...(rest.length === 0 ? {} : { others: { platforms: rest, unpacks: unpacksAll } }),
  }
}

/** What is unpacked without a word, and shown, is what this machine runs. */
function ownFirst(platforms: readonly Platform[], own: Platform): Platform[] {
  const isOwn = (platform: Platform): boolean => isSamePlatform(platform, own)
  return [...platforms.filter(isOwn), ...platforms.filter((platform) => !isOwn(platform))]
}

async function allTags(ctx: Context, reference: Reference): Promise<Reference[]> {
  const registry = await ctx.registry()
  const tags = await interruptible((signal) => registry.listTags(reference, signal))
  if (tags.length > 0) return tags.map((tag) => ({ ...reference, tag }))
  throw new TsctrError('NOT_FOUND', `${repositoryName(reference)}: has no tags`)
}

async function pullOne(
  ctx: Context,
  mode: ProgressMode,
  request: Wanted & Pick<PullRequest, 'reference'>,
): Promise<void> {
  const progress = await createProgress(mode, process.stderr)
  const pulled = await interruptible((signal) =>
    pullByPolicy(ctx, { ...request, onProgress: progress.onEvent, signal }),
  ).finally(progress.finish)
  if (mode === 'auto' || mode === 'plain') describe(ctx, pulled, request.reference)
  // With `json`, stderr is for a program to read.
  if (mode !== 'json') warn(ctx, pulled, request.platform)
  ctx.stdout.line(pulled.name)
}

/** Source: docker pull, its last lines */
function describe(ctx: Context, { image, wasUpToDate }: PolicedPull, reference: Reference): void {
  const status = wasUpToDate ? 'Image is up to date' : 'Downloaded newer image'
  ctx.stderr.line(`Digest: ${image.target.digest}`)
  ctx.stderr.line(`Status: ${status} for ${nameOf(reference)}`)
}

function nameOf(reference: Reference): string {
  const isByDigest = reference.digest !== undefined
  return isByDigest
    ? `${familiarRepository(reference)}@${reference.digest}`
    : familiarName(reference)
}

function warn(ctx: Context, { image, failure }: PolicedPull, wanted: Platform): void {
  if (failure !== undefined) {
    const cause = failure.cause instanceof Error ? `: ${failure.cause.message}` : ''
    ctx.stderr.line(`WARNING: ${failure.message}${cause}; using what is here`)
  }
  const { platform } = image.config
  if (platformRank(wanted, platform) !== undefined) return
  const found = escapeControls(formatPlatform(platform))
  ctx.stderr.line(`WARNING: the image is for ${found}, not for ${formatPlatform(wanted)}`)
}
