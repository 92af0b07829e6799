import { TsctrError } from '../errors.ts'
import { asConfig } from './config.ts'

export interface TaggedContainer {
  readonly id: string
  readonly name: string
  readonly imageConfigDigest?: string | undefined
  readonly config: unknown
}

const shortLength = 12

/** Source: docker "Customize log driver output"; moby daemon/logger/loginfo.go */
const fields: Readonly<Record<string, (container: TaggedContainer) => string>> = {
  ID: ({ id }) => id.slice(0, shortLength),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ imageConfigDigest = '' }) =>
    imageConfigDigest.replace(/^sha256:/, '').slice(0, shortLength),
  ImageFullID: ({ imageConfigDigest = '' }) => imageConfigDigest,
  ImageName: ({ config }) => asConfig(config).image,
  DaemonName: () => 'tsctr',
}

const marker = /\{\{\s*\.(\w+)\s*\}\}/g

/** The value of `--log-opt tag=`: text with markers such as `{{.Name}}`. @throws INVALID_ARGUMENT */
export function checkLogTag(text: string): string {
  const rest = text.replaceAll(marker, (whole, name: string) =>
    Object.hasOwn(fields, name) ? '' : whole,
  )
  if (!rest.includes('{{')) return text
  const known = Object.keys(fields).map((name) => `{{.${name}}}`)
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a tag`, {
    hint: `text with ${known.join(', ')}`,
  })
}

/** A tag with its markers filled in. */
export function logTag(text: string, container: TaggedContainer): string {
  return text.replaceAll(marker, (whole, name: string) => fields[name]?.(container) ?? whole)
}
