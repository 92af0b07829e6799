import { writeFileSync } from 'node:fs'
import { bootId, type Owner, processStartTicks } from '../host/owner.ts'
import { spawnWithPipes } from '../host/piped-program.ts'
import { type HealthFiles, resultSlots } from './health-files.ts'
import type { Runtime } from './runc.ts'

export interface HealthHelperOptions {
  readonly containerId: string
  /** The container's first process: the helper ends with it. */
  readonly process: Owner
  readonly runtime: Runtime
  readonly files: HealthFiles
  /** Says by its content whether the container is paused. */
  readonly freezerFile: string
  readonly timeoutMs: number
  /** Before the first check. */
  readonly firstInMs: number
  /** argv of what takes the results and answers with a line of `healthAnswer`. */
  readonly judgeCommand: readonly string[]
}

/** A helper that waits to be told that it is on record. */
export interface HealthHelper {
  /** undefined if it could not be started. */
  readonly owner: Owner | undefined
  /** Let it begin. */
  begin(): void
  /** Let go of it: one that has not begun ends. */
  close(): void
}

/** The judge exits with this when there is nothing to check any more. */
export const endOfChecks = 3

/** What else is written than the 4096 bytes that docker keeps shows that there was more. */
export const keptOutputBytes = 4096

/** How soon a helper whose container was killed, with its monitor, notices. */
const sliceS = 5

/**
 * The answer of the judge.
 *
 * @param isSteady  a success changes nothing: the next ones may lie until somebody asks for them
 */
export function healthAnswer(inMs: number, isSteady: boolean): string {
  return `${waitOf(inMs).join(' ')} ${isSteady ? 'steady' : 'watch'}`
}

/**
 * Start the process that has a container's health checked, in a session of its own.
 *
 * It is a shell that sleeps: beside a container for as long as it runs, tsctr itself would take
 * fifty times its memory. It runs `runc exec` without tsctr, which is asked only when something may
 * have changed; so a container that stays healthy costs one runc each time.
 */
export function startHealthHelper(options: HealthHelperOptions): HealthHelper {
  const { process: container, runtime, files } = options
  // A file, so that a list of processes shows what it is and not the whole of it.
  writeFileSync(files.script, helperScript, { mode: 0o600 })
  const helper = spawnWithPipes(
    '/bin/sh',
    [
      ...[files.script, String(container.pid), String(container.startTicks)],
      ...[options.freezerFile, files.directory, String(seconds(options.timeoutMs))],
      ...waitOf(options.firstInMs),
      ...[runtime.path, runtime.stateDir, options.containerId, ...options.judgeCommand],
    ],
    {
      env: {
        PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      },
      pipes: ['reads'],
    },
  )
  const { pid } = helper
  const startTicks = processStartTicks(pid)
  const owner = startTicks === undefined ? undefined : { pid, startTicks, bootId: bootId() }
  return {
    owner,
    begin: () => {
      if (owner !== undefined) helper.write(3, Buffer.from('\n'))
    },
    close: () => helper.close(),
  }
}

/** Whole slices, and the rest in seconds. */
function waitOf(ms: number): [string, string] {
  const slices = Math.floor(ms / 1000 / sliceS)
  return [String(slices), String(seconds(ms - slices * sliceS * 1000))]
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(6)
}

/**
 * Descriptor 3 says whether it may begin. `timeout` kills its whole process group: runc, and the
 * readers of its output; of what runs in the container the judge takes care.
 */
const helperScript = `\
read -r _ <&3 || exit 0
exec 3<&- </dev/null 2>/dev/null
pid=$1 ticks=$2 freezer=$3 dir=$4 limit=$5 slices=$6 rest=$7 runtime=$8 state=$9
shift 9
id=$1
shift
lives() {
  stat=
  while read -r line; do stat="$stat $line"; done <"/proc/$pid/stat" || return 1
  set -- \${stat##*) }
  case $1 in Z | X | '') return 1 ;; esac
  shift 19
  [ "$1" = "$ticks" ]
}
frozen() {
  read -r freeze <"$freezer" || return 1
  case $freeze in 1 | FROZEN | FREEZING) ;; *) return 1 ;; esac
}
wait_for_next() {
  left=$slices
  while [ "$left" -gt 0 ]; do
    sleep ${sliceS}
    lives || exit 0
    left=$((left - 1))
  done
  sleep "$rest"
  lives || exit 0
}
slot=0 mode=watch
while :; do
  wait_for_next
  frozen && continue
  : >"$dir/$slot.code"
  : >"$dir/$slot.start"
  : >"$dir/exit"
  : >"$dir/pid"
  timeout -s KILL "$limit" sh -c '
    dir=$1 slot=$2
    shift 2
    { "$@" 2>&1; echo $? >"$dir/exit"; } |
      { head -c ${keptOutputBytes + 1} >"$dir/$slot.output"; cat >/dev/null; }
  ' sh "$dir" "$slot" "$runtime" --root "$state" exec \\
    --pid-file "$dir/pid" --process "$dir/process.json" "$id"
  code=
  read -r code <"$dir/exit"
  echo "\${code:-late}" >"$dir/$slot.code"
  slot=$(((slot + 1) % ${resultSlots}))
  [ "$code" = 0 ] && [ "$mode" = steady ] && continue
  mode=watch
  answer=$("$@")
  case $? in
    0) ;;
    ${endOfChecks}) exit 0 ;;
    *) continue ;;
  esac
  slices=\${answer%% *} answer=\${answer#* }
  rest=\${answer%% *} mode=\${answer#* }
done
`
