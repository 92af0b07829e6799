import { Command } from 'commander'
import type { AddCommand } from './command-list.ts'
import type { CommandLine } from './find-command.ts'
import { inCommandersForms } from './flag-forms.ts'
import { addGlobalOptions } from './global-options.ts'
import { outputTo } from './output.ts'
import { asUsageError, isHelpShown } from './usage-error.ts'

/**
 * Parse the options and run the command.
 *
 * @param addCommand  undefined to check the global options only
 * @throws            INVALID_ARGUMENT for options that commander does not take; what the command throws
 */
export async function parseCommand(
  addCommand: AddCommand | undefined,
  { globals, words, rest }: CommandLine,
  runsProgram: boolean,
): Promise<void> {
  const program = addGlobalOptions(new Command('tsctr'))
    .enablePositionalOptions()
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => outputTo(1).line(text.trimEnd()), writeErr: () => {} })
  let inCommand: readonly string[] = []
  try {
    if (addCommand === undefined) {
      program.parse(globals, { from: 'user' })
      return
    }
    program.hook('preSubcommand', () => {
      inCommand = words
    })
    const command = commandUnder(program, addCommand, words)
    if (runsProgram) command.passThroughOptions()
    const args = inCommandersForms(command, rest, runsProgram)
    await program.parseAsync([...globals, ...words, ...args], { from: 'user' })
  } catch (error) {
    if (!isHelpShown(error)) throw asUsageError(error, inCommand)
  }
}

/** Add the command below its group, under the name it was called by (`ls` or `list`). */
function commandUnder(program: Command, addCommand: AddCommand, words: readonly string[]): Command {
  const groups = words.slice(0, -1)
  const parent = groups.reduce((above, group) => above.command(group), program)
  addCommand(parent)
  const command = parent.commands[0]
  const name = words.at(-1)
  if (command === undefined || name === undefined) throw new Error('bug: no command was added')
  return command.name(name)
}
