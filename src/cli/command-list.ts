import type { Command } from 'commander'

/** Adds one command to `parent`; main.ts gives it the name that the user typed. */
export type AddCommand = (parent: Command) => void

export interface CommandEntry {
  /** Every way to type it, words parted by one space: `ps`, `container ls`. */
  readonly names: readonly string[]
  /** What the help tables say; they are printed without loading any command. */
  readonly summary: string
  /** Stands in the first table of the help. */
  readonly isCommon?: boolean
  /**
   * Runs a program of the user's: options end at the first operand, so that those of the program
   * stay its own, and a mistake exits with 125, so that it is not taken for the program's.
   */
  readonly runsProgram?: boolean
  readonly load: () => Promise<AddCommand>
}

export interface CommandGroup {
  readonly name: string
  readonly summary: string
}

/** The first words of the long forms. */
export const commandGroups: readonly CommandGroup[] = []

/** Every command. Each loads its own file and nothing else, so that a command starts fast. */
export const commandList: readonly CommandEntry[] = [
  {
    names: ['info'],
    summary: 'Show what tsctr works with on this machine',
    isCommon: true,
    load: async () => (await import('./commands/info.ts')).addInfoCommand,
  },
  {
    names: ['version'],
    summary: 'Show the version of tsctr',
    isCommon: true,
    load: async () => (await import('./commands/version.ts')).addVersionCommand,
  },
]
