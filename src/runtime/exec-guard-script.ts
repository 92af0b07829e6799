import { leaveEndScript } from './ended-execs.ts'

/** What a guard is told when the program is to go on without its caller. */
export const leaveWord = 'leave'

/**
 * What waits beside an exec, for /bin/sh. Until the end it is one process that sleeps in `read`.
 *
 * $1 the cgroup of the exec, or of the whole container; $2 `own` for the former; $3 the runtime's
 * pid file; $4 its log; $5 the process file; $6 the container; $7 the exec; $8 where its end is left,
 * empty if it has a monitor, which does that. Descriptor 3 is the caller's terminal, or none.
 *
 * Source: proc(5) /proc/PID/stat; cgroups(7); kernel cgroup-v1/freezer-subsystem.rst
 */
export const execGuardScript = `
cgroup=$1 own=$2 pid_file=$3 log=$4 process_file=$5 container=$6 exec=$7 ends=$8
pid= had_terminal=
${leaveEndScript}
[ -t 3 ] && had_terminal=yes
read -r word
# A monitor whose caller has gone may be about to start the program; its directory goes with it.
tries=0
while [ ! "$ends" ] && [ ! -f "$pid_file" ] && [ -d "\${pid_file%/*}" ] && [ $tries -lt 100 ]; do
  tries=$((tries + 1)); sleep 0.02
done
[ -f "$pid_file" ] && read -r pid <"$pid_file"

# Fields after the name of the command, which may hold anything: state, parent, group, session.
look_at() {
  line=
  while IFS= read -r part; do line=$part; done <"/proc/$1/stat"
  set -- \${line##*) }
  parent=$2 session=$4
}

is_listed() {
  while read -r listed; do [ "$listed" = "$1" ] && return 0; done <"$cgroup/cgroup.procs"
  return 1
}

# 128 + n where a signal has ended the program, if the runtime says so in its log.
read_status() {
  status=
  [ "$pid" ] && [ -f "$log" ] || return
  status=$(sed -n 's/.*"process exited".*"pid":'"$pid"',.*"status":\\([0-9]*\\).*/\\1/p' "$log")
}

lost_caller() {
  [ "$word" = ${leaveWord} ] && return 1
  [ "$pid" ] || return 0
  is_listed "$pid" && return 0
  # HUP, INT, QUIT, KILL and TERM: what callers are ended by, passed on by the runtime.
  case $status in 129 | 130 | 131 | 137 | 143) return 0 ;; esac
  # The descriptor of a terminal that has gone is none any more.
  [ "$had_terminal" ] && ! [ -t 3 ]
}

# So that nothing is forked between the look at the processes and their end.
freeze() {
  [ "$own" ] || return 0
  tries=0
  if [ -f "$cgroup/cgroup.freeze" ]; then
    echo 1 >"$cgroup/cgroup.freeze"
    until grep -q 'frozen 1' "$cgroup/cgroup.events"; do
      tries=$((tries + 1)); [ $tries -gt 20 ] && return; sleep 0.01
    done
  else
    echo FROZEN >"$cgroup/freezer.state"
    until read -r state <"$cgroup/freezer.state" && [ "$state" = FROZEN ]; do
      tries=$((tries + 1)); [ $tries -gt 20 ] && return; sleep 0.01
    done
  fi
}

thaw() {
  [ "$own" ] || return 0
  if [ -f "$cgroup/cgroup.freeze" ]; then echo 0 >"$cgroup/cgroup.freeze"
  else echo THAWED >"$cgroup/freezer.state"
  fi
}

# The program, its session, and whatever is below one of them. Without a pid the runtime was killed
# before it could write one, so nothing in the exec's own cgroup can be a daemon yet.
find_victims() {
  marked=" $pid " victims= again=yes
  while [ "$again" ]; do
    again=
    while read -r candidate; do
      case $victims in *" $candidate "*) continue ;; esac
      if [ "$pid" ]; then
        look_at "$candidate"
        case $marked in
          *" $parent "* | *" $candidate "*) ;;
          *) [ "$session" = "$pid" ] || continue ;;
        esac
      else
        [ "$own" ] || continue
      fi
      marked="$marked$candidate " victims="$victims $candidate " again=yes
    done <"$cgroup/cgroup.procs"
  done
}

read_status
is_lost=
if lost_caller; then
  tries=0 is_lost=yes
  while [ -d "$cgroup" ] && [ $tries -lt 10 ]; do
    freeze
    find_victims
    for victim in $victims; do kill -KILL "$victim"; done
    thaw
    [ "$victims" ] || break
    tries=$((tries + 1))
    sleep 0.02
  done
fi

# Without a status it was killed, here or with the runtime, but for what the runtime refused to run.
if [ "$ends" ] && ! { [ ! "$pid" ] && grep -q '"level":"error"' "$log"; }; then
  [ "$status" ] || { [ ! "$is_lost" ] && [ ! -f "$log" ]; } || status=137
  leave_end
fi

# Daemons stay in the container, which has no cgroup for them alone.
tries=0
while [ "$own" ] && [ -d "$cgroup" ] && [ $tries -lt 50 ]; do
  while read -r daemon; do echo "$daemon" >"\${cgroup%/*}/cgroup.procs"; done <"$cgroup/cgroup.procs"
  rmdir "$cgroup" && break
  tries=$((tries + 1))
  sleep 0.05
done
# A monitor removes its own.
[ ! "$ends" ] || rm -f "$pid_file" "$log" "$process_file"
`
