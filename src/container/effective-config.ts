import type { ImageProcessConfig } from '../oci/image-config.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { asConfig, type Healthcheck } from './config.ts'
import { mergeEnv } from './spec/env.ts'

/** What of an image's config a container has its own way. */
export interface EffectiveConfig {
  readonly user: string
  readonly env: readonly string[]
  readonly entrypoint: readonly string[] | undefined
  readonly cmd: readonly string[] | undefined
  readonly workingDir: string
  readonly labels: Readonly<Record<string, string>>
  readonly stopSignal: string | undefined
  readonly healthcheck: Healthcheck | undefined
}

/** The image's config with the user's over it. */
export function effectiveConfig(
  record: ContainerRecord,
  image: ImageProcessConfig,
): EffectiveConfig {
  const config = asConfig(record.config)
  const hasOwnProgram = config.entrypoint !== undefined || config.command.length > 0
  // The user's own come first, as docker has them.
  const names = new Set(config.env.map(nameOf))
  return {
    user: config.user ?? image.user,
    env: mergeEnv(
      config.env,
      image.env.filter((entry) => !names.has(nameOf(entry))),
    ),
    entrypoint: config.entrypoint ?? image.entrypoint,
    cmd: hasOwnProgram ? config.command : image.cmd,
    workingDir: config.workdir ?? image.workingDir,
    labels: record.labels,
    stopSignal: config.stopSignal ?? image.stopSignal,
    healthcheck: config.healthcheck ?? image.healthcheck,
  }
}

function nameOf(entry: string): string {
  return entry.split('=', 1)[0] ?? ''
}
