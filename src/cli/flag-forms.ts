import type { Command, Option } from 'commander'
import { TsctrError } from '../errors.ts'

/**
 * Accept what docker takes and commander does not: `--flag=true` and `--flag=false` for options
 * without a value, and `-e=VALUE` for short ones with a value, alone or behind others (`-de=VALUE`).
 *
 * @param args            the arguments of `command`, after its name
 * @param stopsAtOperand  what follows the first operand is not the command's
 * @returns               the same in forms that commander knows
 * @throws                INVALID_ARGUMENT for a value that should be true or false and is neither
 * Source: spf13/pflag "Command line flag syntax"
 */
export function inCommandersForms(
  command: Command,
  args: readonly string[],
  stopsAtOperand: boolean,
): string[] {
  const result: string[] = []
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? ''
    const isOperand = argument === '-' || !argument.startsWith('-')
    if (argument === '--' || (isOperand && stopsAtOperand)) {
      return [...result, ...args.slice(index)]
    }
    const flag = argument.replace(/=.*/s, '')
    const option = isOperand ? undefined : findOption(command, flag)
    if (option !== undefined && isBoolean(option) && flag !== argument) {
      result.push(...plainFlag(command, option, flag, argument.slice(flag.length + 1)))
    } else {
      result.push(isOperand ? argument : withoutShortEquals(command, argument))
    }
    const value = args[index + 1]
    if (value !== undefined && takesNext(command, argument)) {
      result.push(value)
      index++
    }
  }
  return result
}

// Source: Go strconv.ParseBool, which docker's flags go through.
const trueWords = ['1', 't', 'T', 'TRUE', 'true', 'True']
const falseWords = ['0', 'f', 'F', 'FALSE', 'false', 'False']

function plainFlag(command: Command, option: Option, flag: string, value: string): string[] {
  if (trueWords.includes(value)) return [flag]
  if (!falseWords.includes(value)) {
    throw new TsctrError('INVALID_ARGUMENT', `${flag}: ${JSON.stringify(value)} is not a boolean`)
  }
  const opposite = option.long?.replace(/^--/, '--no-') ?? ''
  return findOption(command, opposite) === undefined ? [] : [opposite]
}

/** `-eVALUE` for `-e=VALUE`; commander takes the sign for a part of the value. */
function withoutShortEquals(command: Command, argument: string): string {
  for (let index = 1; index < argument.length; index++) {
    const option = findOption(command, `-${argument[index]}`)
    if (option === undefined) return argument
    if (isBoolean(option)) continue
    const value = argument.slice(index + 1)
    const hasSign = value.startsWith('=') && value !== '='
    return hasSign ? argument.slice(0, index + 1) + value.slice(1) : argument
  }
  return argument
}

/** Whether the argument after this one is the value of an option in it (`-e`, `--env`, `-ite`). */
function takesNext(command: Command, argument: string): boolean {
  if (argument.startsWith('--')) return findOption(command, argument)?.required ?? false
  if (!argument.startsWith('-')) return false
  for (let index = 1; index < argument.length; index++) {
    const option = findOption(command, `-${argument[index]}`)
    if (option === undefined) return false
    // `-eNAME` carries its value.
    if (!isBoolean(option)) return option.required && index === argument.length - 1
  }
  return false
}

function findOption(command: Command, flag: string): Option | undefined {
  return command.options.find((option) => option.long === flag || option.short === flag)
}

function isBoolean(option: Option): boolean {
  return !option.required && !option.optional
}
