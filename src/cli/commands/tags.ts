import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { TsctrError } from '../../errors.ts'
import { listRemoteTags } from '../../image/list-tags.ts'
import { familiarRepository, hasDefaultTag, parseReference } from '../../oci/reference.ts'
import { withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { interruptible } from '../interrupt.ts'
import { addRegistryFlags, type RegistryFlags, useRegistryFlags } from '../registry-flags.ts'
import { type RowLayout, renderRows } from '../render/format.ts'

interface TagsFlags extends RegistryFlags {
  readonly digests?: boolean
  readonly sort?: 'semver' | 'name'
  readonly format?: string
  readonly quiet?: boolean
}

export function addTagsCommand(parent: Command): void {
  const command = parent
    .command('tags <repository>')
    .description('List the tags that a registry has of a repository')
    .option('--digests', 'show what each tag points at')
    .option(
      '--sort <order>',
      'name, or semver: by the versions they name, the newest last',
      single('--sort', oneOf('semver', 'name')),
    )
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .option('-q, --quiet', 'print the tags alone')
  addRegistryFlags(command).action((text: string, flags: TagsFlags, self: Command) => {
    const reference = parseReference(text)
    if (!hasDefaultTag(text)) {
      throw new TsctrError('INVALID_ARGUMENT', `${text}: must be a repository, without a tag`)
    }
    return withContext(self, async (ctx) => {
      await useRegistryFlags(ctx, reference.registry, flags)
      const withDigests = flags.digests === true || /\.Digest\b/.test(flags.format ?? '')
      const { sort } = flags
      const tags = await interruptible((signal) =>
        listRemoteTags(ctx, { reference, sort, withDigests, signal }),
      )
      const repository = familiarRepository(reference)
      const rows = tags.map(({ tag, digest }) => ({
        Repository: repository,
        Tag: tag,
        Digest: digest ?? '<none>',
        Name: `${repository}:${tag}`,
      }))
      const isTable = [undefined, '', 'table'].includes(flags.format)
      const format = flags.quiet === true && isTable ? '{{.Tag}}' : flags.format
      const table = withDigests ? ['Tag', 'Digest'] : ['Tag']
      ctx.stdout.write(renderRows(rows, { ...layout, table }, { format, isTerminal: isatty(1) }))
    })
  })
}

const layout: RowLayout = {
  headers: { Repository: 'REPOSITORY', Tag: 'TAG', Digest: 'DIGEST', Name: 'NAME' },
  table: ['Tag'],
}
