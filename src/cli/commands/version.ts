import { arch, release } from 'node:os'
import type { Command } from 'commander'
import { outputTo } from '../output.ts'
import { programVersion } from '../program-version.ts'
import { renderObject, renderPairs } from '../render/one-object.ts'

interface VersionFlags {
  readonly format?: string
}

export function addVersionCommand(parent: Command): void {
  parent
    .command('version')
    .description('Show the version of tsctr')
    .option('-f, --format <template>', "a Go template, or 'json'")
    .action(async ({ format }: VersionFlags) => {
      const versions = describeVersions()
      outputTo(1).line(await renderObject(versions, format, () => versionText(versions)))
    })
}

// Scripts ask for .Client.Version and .Server.Version: without a daemon both are this program.
function describeVersions() {
  const program = {
    Version: programVersion,
    NodeVersion: process.versions.node,
    Os: 'linux',
    Arch: goArchitecture(),
  }
  return {
    Client: program,
    Server: {
      ...program,
      KernelVersion: release(),
      Components: [{ Name: 'tsctr', Version: programVersion }],
    },
  }
}

function versionText({ Client, Server }: ReturnType<typeof describeVersions>): string {
  const program = [
    ['Version', Client.Version],
    ['Node version', Client.NodeVersion],
    ['OS/Arch', `${Client.Os}/${Client.Arch}`],
  ] as const
  return [
    `Client:\n${renderPairs(program)}`,
    `Server: (no daemon: the client itself)\n${renderPairs([...program, ['Kernel version', Server.KernelVersion]])}`,
  ].join('\n\n')
}

function goArchitecture(): string {
  return arch() === 'x64' ? 'amd64' : arch()
}
