import type { CommandEntry } from './command-list.ts'
import { commandGroups, commandList } from './command-list.ts'
import { globalFlagsWithValue } from './global-options.ts'

/** What the arguments ask for, decided without loading a command. */
export type Found =
  | { readonly kind: 'command'; readonly entry: CommandEntry; readonly line: CommandLine }
  | { readonly kind: 'help'; readonly group: string | undefined; readonly line: CommandLine }
  | { readonly kind: 'version' }
  | { readonly kind: 'unknown'; readonly words: readonly string[] }

/** The arguments, taken apart. */
export interface CommandLine {
  /** What stands before the command. */
  readonly globals: readonly string[]
  /** The command: one word, or a group and a word. */
  readonly words: readonly string[]
  /** What follows the command. */
  readonly rest: readonly string[]
}

/**
 * Find the command in the arguments.
 *
 * @param argv  the arguments after the program's own name
 */
export function findCommand(argv: readonly string[]): Found {
  const start = firstWord(argv)
  const globals = argv.slice(0, start)
  if (globals.some((flag) => flag === '-v' || flag === '--version')) return { kind: 'version' }
  const [first, ...rest] = argv.slice(start)
  const help = (group?: string): Found => ({
    kind: 'help',
    group,
    line: { globals: globals.filter((flag) => !isHelp(flag)), words: [], rest: [] },
  })
  if (first === undefined || globals.some(isHelp)) return help()
  if (first === 'help') return rest.length === 0 ? help() : findCommand([...rest, '--help'])
  if (!commandGroups.some((group) => group.name === first)) {
    return lookUp({ globals, words: [first], rest })
  }
  const [second, ...operands] = rest
  if (second === undefined || second.startsWith('-')) return help(first)
  return lookUp({ globals, words: [first, second], rest: operands })
}

function lookUp(line: CommandLine): Found {
  const name = line.words.join(' ')
  const entry = commandList.find((candidate) => candidate.names.includes(name))
  if (entry === undefined) return { kind: 'unknown', words: line.words }
  return { kind: 'command', entry, line }
}

/** Where the first argument is that is neither a global option nor the value of one. */
function firstWord(argv: readonly string[]): number {
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]
    if (argument === undefined || !argument.startsWith('-')) return index
    if (globalFlagsWithValue.includes(argument)) index++
  }
  return argv.length
}

function isHelp(argument: string): boolean {
  return argument === '-h' || argument === '--help'
}
