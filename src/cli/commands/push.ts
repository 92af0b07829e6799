import type { Command } from 'commander'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { TsctrError } from '../../errors.ts'
import { hostPlatform } from '../../host/platform.ts'
import { type PushedImage, type PushRequest, pushImage } from '../../image/push.ts'
import type { PushedPlatforms } from '../../image/push-plan.ts'
import { tagsOf } from '../../image/tags-of.ts'
import { type Platform, parsePlatform } from '../../oci/platform.ts'
import {
  canonicalName,
  hasDefaultTag,
  parseReference,
  type Reference,
  repositoryName,
} from '../../oci/reference.ts'
import { type Context, withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'
import { interruptible } from '../interrupt.ts'
import { addRegistryFlags, type RegistryFlags, useRegistryFlags } from '../registry-flags.ts'
import { escapeControls } from '../render/escape.ts'
import { createProgress, type ProgressMode, progressModes } from '../render/progress.ts'

interface PushFlags extends RegistryFlags {
  readonly quiet?: boolean
  readonly allTags?: boolean
  readonly platform?: readonly Platform[]
  readonly allPlatforms?: boolean
  readonly allowNondistributableArtifacts?: boolean
  readonly progress: ProgressMode
}

export function addPushCommand(parent: Command): void {
  const command = parent
    .command('push <reference>')
    .description('Upload an image to a registry')
    .option('-q, --quiet', 'print nothing but what was pushed')
    .option('-a, --all-tags', 'push every tag of the repository that is here')
    .option(
      '--platform <os/arch>',
      'platform to push, may be repeated; without it all that the image has, if they are here',
      repeated('--platform', (text) => parsePlatform(text, hostPlatform())),
    )
    .option('--all-platforms', 'push all platforms of the image; fail if one is not here')
    .option(
      '--allow-nondistributable-artifacts',
      'push layers, too, whose licence lets nobody pass them on',
    )
    .option(
      '--progress <mode>',
      'how to show progress on stderr: auto, plain, json or none',
      single('--progress', oneOf(...progressModes)),
      'auto',
    )
  addRegistryFlags(command).action((text: string, flags: PushFlags, self: Command) => {
    const reference = pushableReference(text, flags)
    const choice = platformChoice(flags)
    return withContext(self, async (ctx) => {
      await useRegistryFlags(ctx, reference.registry, flags)
      const references = flags.allTags ? tagsOf(ctx, reference) : [reference]
      await pushAll(ctx, references, text, choice, flags)
    })
  })
}

/** Source: docker push */
function pushableReference(text: string, flags: PushFlags): Reference {
  const reference = parseReference(text)
  if (reference.digest !== undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `${text}: cannot push a digest, only a tag`, {
      hint: `tsctr tag ${text} ${repositoryName(reference)}:TAG`,
    })
  }
  if (flags.allTags && !hasDefaultTag(text)) {
    throw new TsctrError('INVALID_ARGUMENT', `${text}: a tag cannot be used with --all-tags`)
  }
  return reference
}

function platformChoice({ platform, allPlatforms }: PushFlags): PushedPlatforms {
  if (platform !== undefined && allPlatforms) {
    throw new TsctrError('INVALID_ARGUMENT', '--all-platforms: cannot be used with --platform')
  }
  if (allPlatforms) return { kind: 'all' }
  // Unlike pull's, docker's push leaves DOCKER_DEFAULT_PLATFORM alone.
  if (platform === undefined) return { kind: 'present', preferred: hostPlatform() }
  return { kind: 'these', platforms: platform }
}

async function pushAll(
  ctx: Context,
  references: readonly Reference[],
  text: string,
  choice: PushedPlatforms,
  flags: PushFlags,
): Promise<void> {
  const mode = flags.quiet === true ? 'none' : flags.progress
  const speaks = mode === 'auto' || mode === 'plain'
  const [first] = references
  if (speaks && !flags.allTags && hasDefaultTag(text)) ctx.stderr.line('Using default tag: latest')
  if (speaks && first !== undefined) {
    ctx.stderr.line(`The push refers to repository [${repositoryName(first)}]`)
  }
  for (const reference of references) {
    const pushed = await pushOne(ctx, mode, {
      reference,
      choice,
      pushesForeignLayers: flags.allowNondistributableArtifacts === true,
    })
    if (mode !== 'json') tellPart(ctx, pushed)
    const { digest, sizeBytes } = pushed.target
    if (speaks) ctx.stderr.line(`${reference.tag}: digest: ${digest} size: ${sizeBytes}`)
    ctx.stdout.line(`${canonicalName(reference)}@${digest}`)
  }
}

async function pushOne(
  ctx: Context,
  mode: ProgressMode,
  request: PushRequest,
): Promise<PushedImage> {
  const progress = await createProgress(mode, process.stderr)
  return interruptible((signal) =>
    pushImage(ctx, { ...request, onProgress: progress.onEvent, signal }),
  ).finally(progress.finish)
}

/** Source: docker push's note on images that are not all here */
function tellPart(ctx: Context, { name, part }: PushedImage): void {
  if (part === undefined) return
  ctx.stderr.line(
    `NOTE: of the platforms of ${name} only ${escapeControls(part.join(', '))} was pushed`,
  )
}
