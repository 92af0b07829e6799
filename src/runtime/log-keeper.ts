import { startInBackground } from '../host/background-program.ts'

/**
 * Start what keeps the older files of a log. conmon bounds its log by putting an empty file in its
 * place, and the old one is lost if it has no other name. So it gets one, `LOG.0`, and when `LOG` is
 * another file, `LOG.0` becomes `LOG.1` and so on: nothing is copied, and the disk's use is bounded
 * by conmon even if this is killed.
 *
 * It is a shell that coreutils' tail wakes by inotify, in place of a Node of fifty times the size.
 * It ends with the monitor.
 *
 * @param maxFiles  2 or more, the one that is written to counted
 */
export async function startLogKeeper(
  path: string,
  maxFiles: number,
  monitorPid: number,
): Promise<void> {
  const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
  const args = [path, String(maxFiles - 1), String(monitorPid)]
  await startInBackground('/bin/sh', ['-c', script, 'tsctr-log-keeper', ...args], env)
}

// tail tells of each new file on stderr; what stands in it goes nowhere.
// The file is asked for once more before it is renamed: the keeper of the last run may still be
// there for a second, and what it has just put in place must not be put away.
const script = `
log=$1 oldest=$2 monitor=$3
keep() {
  while ! [ "$log" -ef "$log.0" ] && [ -e "$log" ]; do
    if [ -e "$log.0" ]; then
      n=$oldest
      while [ "$n" -gt 1 ]; do
        [ ! -e "$log.$((n - 1))" ] || mv -f "$log.$((n - 1))" "$log.$n"
        n=$((n - 1))
      done
      [ "$log" -ef "$log.0" ] || mv -f "$log.0" "$log.1"
    fi
    ln "$log" "$log.0" || break
  done
}
keep
tail -n 0 -s 1 --pid="$monitor" -F "$log" 2>&1 >/dev/null | while read -r _; do keep; done
keep`
