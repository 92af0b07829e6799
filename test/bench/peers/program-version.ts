import { spawnSync } from 'node:child_process'

export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0
}

/** `NAME 1.2.3` */
export function versionOf(name: string, program: string): string {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return `${name} ${/\d+\.\d+[\w.]*/.exec(stdout ?? '')?.[0] ?? 'of unknown version'}`
}
