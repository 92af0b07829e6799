import type { Command } from 'commander'
import { wholeNumber } from '../../container/flag-values/number.ts'
import { TsctrError } from '../../errors.ts'
import { convertImage } from '../../image/convert.ts'
import { parseNewReference } from '../../image/new-reference.ts'
import type { ImageFormat, LayerCompression } from '../../oci/media-type.ts'
import {
  type ArchivePlatformFlags,
  parsePlatforms,
  selectedPlatforms,
} from '../archive-platforms.ts'
import { withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'

interface ConvertFlags extends ArchivePlatformFlags {
  readonly oci?: boolean
  readonly docker?: boolean
  readonly zstd?: boolean
  readonly zstdCompressionLevel?: number
  readonly gzip?: boolean
  readonly uncompress?: boolean
}

const maxZstdLevel = 22

export function addImageConvertCommand(parent: Command): void {
  parent
    .command('convert <source> <target>')
    .description('Make an image with the same files in another form')
    .option('--oci', "use OCI's media types")
    .option('--docker', "use docker's media types")
    .option('--zstd', 'compress layers with zstd; implies --oci')
    .option(
      '--zstd-compression-level <1-22>',
      'how hard zstd is to try; 3 unless given',
      single('--zstd-compression-level', wholeNumber(1, maxZstdLevel)),
    )
    .option('--gzip', 'compress layers with gzip')
    .option('--uncompress', 'do not compress layers')
    .option(
      '--platform <os/arch>',
      'convert this platform only (repeatable); all that are here unless given',
      parsePlatforms,
    )
    .option('--all-platforms', 'convert every platform, and fail if one is not here')
    .action((source: string, text: string, flags: ConvertFlags, command: Command) => {
      const reference = parseNewReference(text)
      const platforms = selectedPlatforms(flags)
      const form = wantedForm(flags)
      return withContext(command, async (ctx) => {
        const digest = await interruptible((signal) =>
          convertImage(ctx, {
            source,
            reference,
            platforms,
            preferred: wantedPlatform(),
            ...form,
            signal,
          }),
        )
        ctx.stdout.line(digest)
      })
    })
}

function wantedForm(flags: ConvertFlags): {
  readonly format: ImageFormat | undefined
  readonly compression: LayerCompression | undefined
  readonly level: number | undefined
} {
  const { oci = false, docker = false, zstdCompressionLevel: level } = flags
  const zstd = flags.zstd === true || level !== undefined
  const { gzip = false, uncompress = false } = flags
  const methods = [zstd && '--zstd', gzip && '--gzip', uncompress && '--uncompress'].filter(
    (flag) => flag !== false,
  )
  if (methods.length > 1) throw conflict(...methods)
  if (oci && docker) throw conflict('--oci', '--docker')
  // Docker's formats have no name for it that other tools know.
  if (docker && zstd) throw conflict('--docker', '--zstd')
  if (!oci && !docker && methods.length === 0) {
    throw new TsctrError('INVALID_ARGUMENT', 'image convert: nothing to change', {
      hint: 'give --oci, --docker, --zstd, --gzip or --uncompress',
    })
  }
  return {
    format: docker ? 'docker' : oci || zstd ? 'oci' : undefined,
    compression: zstd ? 'zstd' : gzip ? 'gzip' : uncompress ? 'none' : undefined,
    level,
  }
}

function conflict(...flags: readonly string[]): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${flags.join(' and ')} exclude each other`)
}
