import { readFileSync } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import { parseJsonObject } from '../../oci/json-document.ts'
import type { SecurityOptions } from '../config.ts'
import { parseSeccompProfile } from '../seccomp-parse.ts'
import type { SeccompProfile } from '../seccomp-resolve.ts'

/** No option of the kind given. */
export const defaultSecurity: SecurityOptions = {
  given: [],
  seccomp: 'default',
  noNewPrivileges: false,
  isSystempathsUnconfined: false,
  isWritableCgroups: false,
}

/**
 * Take one `--security-opt` over those before it. A profile file is read here, so that what the
 * container may do does not change with the file later.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --security-opt
 */
export function addSecurityOption(text: string, before: SecurityOptions): SecurityOptions {
  const [name = '', value] = text.split(/[=:](.*)/s)
  const options = { ...before, given: [...before.given, text] }
  switch (name) {
    case 'seccomp':
      return { ...options, seccomp: seccompOf(value ?? '', text) }
    case 'apparmor':
      return { ...options, apparmorProfile: required(value, text) }
    case 'no-new-privileges':
      return { ...options, noNewPrivileges: boolean(value, text) }
    case 'writable-cgroups':
      return { ...options, isWritableCgroups: boolean(value, text) }
    case 'systempaths':
      if (value === 'unconfined') return { ...options, isSystempathsUnconfined: true }
      throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: only unconfined is known`)
    case 'privileged-without-host-devices':
      return { ...options, isWithoutHostDevices: boolean(value, text) }
    case 'label':
      return { ...options, labels: [...(before.labels ?? []), labelOf(value, text)] }
    default:
      throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: no such option`, {
        hint:
          'seccomp= apparmor= label= no-new-privileges systempaths= writable-cgroups ' +
          'privileged-without-host-devices',
      })
  }
}

/** What SELinux shall make of it: whether this host has SELinux is looked at when it is made. */
function labelOf(value: string | undefined, text: string): string {
  if (/^(disable|nested|(user|role|type|level):\S+)$/.test(value ?? '')) return value ?? ''
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: no such label`, {
    hint: 'label=disable, or label=user:, role:, type:, level: with a value',
  })
}

function seccompOf(value: string, text: string): SecurityOptions['seccomp'] {
  if (value === 'unconfined') return 'unconfined'
  // Docker's word for the profile that is in force without the option.
  if (value === 'builtin') return 'default'
  return readProfile(required(value, text))
}

function readProfile(path: string): SeccompProfile {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new TsctrError('INVALID_ARGUMENT', `seccomp profile ${path}: cannot be read`, { cause })
  }
  const what = `seccomp profile ${path}`
  return parseSeccompProfile(parseJsonObject(bytes, what), what)
}

function boolean(value: string | undefined, text: string): boolean {
  if (value === undefined || value === 'true') return true
  if (value === 'false') return false
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be true or false`)
}

function required(value: string | undefined, text: string): string {
  if (value !== undefined && value !== '') return value
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: lacks a value`)
}
