import { existsSync, readdirSync } from 'node:fs'
import type { RuntimeLinux } from '../../oci/runtime-spec.ts'
import type { ContainerConfig } from '../config.ts'

/** Paths of /proc and /sys that a container cannot see, and those that it cannot write to. */
export function guardedPaths({
  privileged,
  security,
}: Pick<ContainerConfig, 'privileged' | 'security'>): Pick<
  RuntimeLinux,
  'maskedPaths' | 'readonlyPaths'
> {
  if (privileged || security.isSystempathsUnconfined) return {}
  return { maskedPaths: maskedPaths(), readonlyPaths }
}

// What shows or steers the host through /proc and /sys. Source: docker's default spec;
// GHSA-6fw5-f8r9-fgfm and GHSA-jq35-85cj-fj4p for interrupts and thermal_throttle.
const alwaysMasked = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
]

const readonlyPaths = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
] as const

function maskedPaths(): string[] {
  const cpus = '/sys/devices/system/cpu'
  if (!existsSync(`${cpus}/cpu0/thermal_throttle`)) return alwaysMasked
  const names = readdirSync(cpus).filter((name) => /^cpu\d+$/.test(name))
  return [...alwaysMasked, ...names.map((name) => `${cpus}/${name}/thermal_throttle`)]
}
