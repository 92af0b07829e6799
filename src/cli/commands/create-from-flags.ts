import { writeFileSync } from 'node:fs'
import { requireSupport } from '../../container/check-support.ts'
import type { ContainerConfig } from '../../container/config.ts'
import { createContainer } from '../../container/create.ts'
import { checkAttachments } from '../../container/networks/check-attachments.ts'
import { removeContainer } from '../../container/remove.ts'
import { settleInterrupted } from '../../container/settle.ts'
import { TsctrError } from '../../errors.ts'
import { hostFacts } from '../../host/host-facts.ts'
import { traced } from '../../host/trace.ts'
import type { WholeImage } from '../../image/find-whole-image.ts'
import { useImage } from '../../image/use-image.ts'
import type { Context } from '../context.ts'
import { platformWarning, wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'
import { maxDownloads } from '../max-downloads.ts'
import { escapeControls } from '../render/escape.ts'
import { createProgress } from '../render/progress.ts'
import { configFromFlags, type RunOptions, runOptionsFromFlags } from './run-config.ts'
import type { RunFlags } from './run-flags.ts'

const defaultRuntime = 'runc'

/** What `run` and `create` have in common: the image, pulled if need be, and a container of it. */
export async function createFromFlags(
  ctx: Context,
  flags: RunFlags,
  image: string,
  args: readonly string[],
  kind: 'run' | 'create',
): Promise<{ readonly id: string; readonly config: ContainerConfig }> {
  const options = runOptionsFromFlags(flags)
  const asked = configFromFlags(flags, image, args)
  requireRoot()
  requireSupport(asked, hostFacts())
  if (asked.networkMode === 'host' && ((asked.ports ?? []).length > 0 || asked.publishesAll)) {
    ctx.stderr.line('WARNING: Published ports are discarded when using host network mode')
  }
  await settleInterrupted(ctx)
  const config = await withNetworks(ctx, asked)
  const create = async (found: WholeImage | undefined): Promise<string> => {
    const warning = found && platformWarning(found.local.config.platform, options.platform)
    if (warning !== undefined) ctx.stderr.line(escapeControls(warning))
    return traced('create the container', () =>
      createContainer(ctx, {
        replaces: options.replaces,
        config,
        image: found,
        runtime: options.runtime ?? defaultRuntime,
        isStartedNext: kind === 'run',
      }),
    )
  }
  const id =
    config.rootfs === undefined
      ? await withLocalImage(ctx, image, options, create)
      : await create(undefined)
  if (options.cidfile !== undefined) await writeCidFile(ctx, options.cidfile, id)
  return { id, config }
}

/** The networks must be there, and are known by their names from now on. */
async function withNetworks(ctx: Context, config: ContainerConfig): Promise<ContainerConfig> {
  if (config.networks === undefined) return config
  return { ...config, networks: await checkAttachments(ctx, config.networks) }
}

/** The flag's parser has seen that there is no such file. */
async function writeCidFile(ctx: Context, path: string, id: string): Promise<void> {
  try {
    writeFileSync(path, id, { flag: 'wx' })
  } catch (cause) {
    await removeContainer(ctx, { name: id, isForced: true, removesVolumes: true }).catch(() => {})
    throw new TsctrError('INVALID_ARGUMENT', `--cidfile ${path}: cannot be written`, { cause })
  }
}

async function withLocalImage<T>(
  ctx: Context,
  text: string,
  options: RunOptions,
  use: (image: WholeImage) => Promise<T>,
): Promise<T> {
  const progress = await createProgress(options.quiet ? 'none' : 'auto', process.stderr)
  let isFinished = false
  const finish = (): void => {
    if (!isFinished) progress.finish()
    isFinished = true
  }
  try {
    return await interruptible((signal) =>
      useImage(
        ctx,
        {
          reference: text,
          platform: wantedPlatform(options.platform),
          policy: options.pull,
          maxDownloads: maxDownloads(),
          onProgress: progress.onEvent,
          onPull: (name) => {
            if (!options.quiet) ctx.stderr.line(`Unable to find image '${name}' locally`)
          },
          signal,
        },
        (found) => {
          // What is said next stands below it.
          finish()
          return use(found)
        },
      ),
    )
  } finally {
    finish()
  }
}

function requireRoot(): void {
  if (process.getuid?.() === 0) return
  throw new TsctrError('FAILED_PRECONDITION', 'containers: only root can run them', {
    hint: 'use sudo; pull, images, inspect, content and snapshot ls need no root',
    exitCode: 125,
  })
}
