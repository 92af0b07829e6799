import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunResult, Sandbox } from './cli.ts'

export interface TerminalSession {
  /** Shell commands; `tsctr` is the sandbox's. */
  readonly script: string
  /**
   * Shell commands that run beside it, with `$tsctr`, the pid of the tsctr that `script` starts by
   * `in_front tsctr …`. They are ended with it.
   */
  readonly beside?: string
  /** What is typed when the terminal has shown `after`. */
  readonly typed?: { readonly after: string; readonly keys: string }
}

/**
 * Run commands in a terminal of 33 rows and 101 columns, which `script` makes.
 *
 * @returns  as `stdout` everything that the terminal showed, as it was sent
 */
export async function runInTerminal(
  sandbox: Sandbox,
  session: TerminalSession,
): Promise<RunResult> {
  const path = (name: string): string => join(sandbox.directory, name)
  const { typed } = session
  // A program becomes tsctr itself, so that $$ is its pid: signals reach no shell in between.
  writeFileSync(
    path('terminal.sh'),
    `
    # Ctrl-C is for tsctr, and this shell is to tell how that ended.
    trap : INT
    stty rows 33 cols 101
    tsctr() { ${sandbox.program} "$@"; }
    in_front() {
      shift
      sh -c '
        tsctr=$$; shown=${path('shown')}
        until_shown() { until grep -q -- "$1" "$shown"; do sleep 0.05; done; }
        ( ${(session.beside ?? ':').replaceAll("'", "'\\''")} ) </dev/tty &
        exec ${sandbox.program} "$@"' sh "$@"
    }
    before=$(stty -g)
    ${session.script}
    echo "code=$?"
    if [ "$before" = "$(stty -g)" ]; then echo terminal=restored; else echo terminal=changed; fi`,
  )
  writeFileSync(path('shown'), '')
  const keys = typed === undefined ? '' : printfText(typed.keys)
  const type =
    typed === undefined
      ? ''
      : `until grep -q -- '${typed.after}' ${path('shown')}; do sleep 0.05; done; printf '${keys}'; `
  // script ends with the terminal, and its input stays open until then.
  const line = `( ${type}sleep 30 & echo $! >${path('typist')}; wait ) |
    { script -qefc 'sh ${path('terminal.sh')}' ${path('shown')}; kill "$(cat ${path('typist')})"; }`
  return sandbox.run(['-c', line], { program: 'sh' })
}

function printfText(keys: string): string {
  return [...Buffer.from(keys)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
}
