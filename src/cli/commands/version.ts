import { release } from 'node:os'
import type { Command } from 'commander'
import { outputTo } from '../output.ts'
import { programVersion } from '../program-version.ts'

export function addVersionCommand(parent: Command): void {
  parent
    .command('version')
    .description('Show the version of tsctr')
    .action(() => outputTo(1).line(release() + programVersion))
}
