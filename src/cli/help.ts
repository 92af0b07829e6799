import { type CommandEntry, commandGroups, commandList } from './command-list.ts'

const globalOptionsHelp = `Global options (before the command):
  --data-root <directory>   what must survive a reboot (env TSCTR_ROOT)
  --state-root <directory>  what need not survive a reboot (env TSCTR_STATE)
  -n, --namespace <name>    namespace to work in (env TSCTR_NAMESPACE)
  --hosts-dir <directory>   where <host>/hosts.toml is looked for; repeatable
                            (env TSCTR_HOSTS_DIR, colon-separated)
  -D, --debug               show the causes and stacks of errors
  -v, --version             show the version`

/** The table of all commands. */
export function programHelp(): string {
  const named = commandList.flatMap((entry) => {
    const name = entry.names.find((candidate) => !candidate.includes(' '))
    return name === undefined ? [] : [{ name, summary: entry.summary, isCommon: entry.isCommon }]
  })
  return [
    'Usage: tsctr [global options] <command>',
    'Containers without a daemon',
    section(
      'Common commands',
      named.filter((entry) => entry.isCommon),
    ),
    section(
      'Management commands',
      commandGroups.filter((group) => !group.isInternal),
    ),
    section(
      'Commands',
      named.filter((entry) => !entry.isCommon),
    ),
    globalOptionsHelp,
    "Run 'tsctr <command> --help' for more about a command.",
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** The table of the commands of one group: `tsctr container --help`. */
export function groupHelp(group: string): string {
  const rows = commandList.flatMap((entry) => rowInGroup(entry, group))
  const summary = commandGroups.find(({ name }) => name === group)?.summary ?? ''
  return [
    `Usage: tsctr ${group} <command>`,
    summary,
    section('Commands', rows),
    `Run 'tsctr ${group} <command> --help' for more about a command.`,
  ].join('\n\n')
}

interface Row {
  readonly name: string
  readonly summary: string
}

function rowInGroup(entry: CommandEntry, group: string): Row[] {
  const prefix = `${group} `
  const name = entry.names.find((candidate) => candidate.startsWith(prefix))
  return name === undefined ? [] : [{ name: name.slice(prefix.length), summary: entry.summary }]
}

function section(title: string, rows: readonly Row[]): string {
  if (rows.length === 0) return ''
  const width = Math.max(...rows.map((row) => row.name.length))
  const sorted = rows.toSorted((a, b) => a.name.localeCompare(b.name))
  const lines = sorted.map((row) => `  ${row.name.padEnd(width)}  ${row.summary}`)
  return `${title}:\n${lines.join('\n')}`
}
