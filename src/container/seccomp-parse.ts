import { TsctrError } from '../errors.ts'
import {
  asObject,
  field,
  type JsonObject,
  optionalArray,
  optionalString,
} from '../oci/json-document.ts'
import type { SeccompAction, SeccompArgument, SeccompOperator } from '../oci/runtime-spec.ts'
import type { SeccompCondition, SeccompProfile, SeccompRule } from './seccomp-resolve.ts'

/**
 * Read a profile of the user's: docker's form or the OCI one.
 *
 * @throws  INVALID_ARGUMENT
 */
export function parseSeccompProfile(document: JsonObject, what: string): SeccompProfile {
  const archMap = optionalArray(document, 'archMap', what)?.map((entry) => {
    const object = asObject(entry, `${what}: archMap`)
    return {
      architecture: optionalString(object, 'architecture', what) ?? '',
      subArchitectures: strings(object, 'subArchitectures', what) ?? [],
    }
  })
  return {
    defaultAction: parseAction(field(document, 'defaultAction'), what),
    defaultErrnoRet: optionalNumber(document, 'defaultErrnoRet', what),
    archMap,
    architectures: archMap === undefined ? strings(document, 'architectures', what) : undefined,
    flags: strings(document, 'flags', what),
    syscalls: (optionalArray(document, 'syscalls', what) ?? []).map((rule, index) =>
      parseRule(asObject(rule, `${what}: syscalls[${index}]`), `${what}: syscalls[${index}]`),
    ),
  }
}

const actions: ReadonlySet<string> = new Set<SeccompAction>([
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
])

const operators: ReadonlySet<string> = new Set<SeccompOperator>([
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
])

function parseRule(rule: JsonObject, what: string): SeccompRule {
  // Old profiles of docker have one `name` a rule.
  const name = optionalString(rule, 'name', what)
  const names = strings(rule, 'names', what) ?? (name === undefined ? [] : [name])
  if (names.length === 0) throw new TsctrError('INVALID_ARGUMENT', `${what}: names no system call`)
  const errnoRet = optionalNumber(rule, 'errnoRet', what)
  return {
    names,
    action: parseAction(field(rule, 'action'), what),
    ...(errnoRet === undefined ? {} : { errnoRet }),
    args: (optionalArray(rule, 'args', what) ?? []).map((argument) =>
      parseArgument(asObject(argument, `${what}: args`), what),
    ),
    includes: parseCondition(rule, 'includes', what),
    excludes: parseCondition(rule, 'excludes', what),
  }
}

function parseArgument(argument: JsonObject, what: string): SeccompArgument {
  const op = field(argument, 'op')
  if (typeof op !== 'string' || !operators.has(op)) {
    throw new TsctrError('INVALID_ARGUMENT', `${what}: op ${JSON.stringify(op)} is unknown`)
  }
  return {
    index: optionalNumber(argument, 'index', what) ?? 0,
    value: optionalNumber(argument, 'value', what) ?? 0,
    valueTwo: optionalNumber(argument, 'valueTwo', what) ?? 0,
    op: op as SeccompOperator,
  }
}

function parseCondition(rule: JsonObject, key: string, what: string): SeccompCondition | undefined {
  const value = field(rule, key)
  if (value === undefined) return undefined
  const object = asObject(value, `${what}: ${key}`)
  return {
    caps: strings(object, 'caps', what),
    arches: strings(object, 'arches', what),
    minKernel: optionalString(object, 'minKernel', what) || undefined,
  }
}

function parseAction(value: unknown, what: string): SeccompAction {
  if (typeof value === 'string' && actions.has(value)) return value as SeccompAction
  const message = `${what}: action ${JSON.stringify(value)} is unknown`
  throw new TsctrError('INVALID_ARGUMENT', message)
}

function strings(object: JsonObject, key: string, what: string): string[] | undefined {
  return optionalArray(object, key, what)?.map((item) => {
    if (typeof item === 'string') return item
    throw new TsctrError('INVALID_ARGUMENT', `${what}: ${key} must hold strings`)
  })
}

function optionalNumber(object: JsonObject, key: string, what: string): number | undefined {
  const value = field(object, key)
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new TsctrError('INVALID_ARGUMENT', `${what}: ${key} must be a whole number below 2^53`)
}
