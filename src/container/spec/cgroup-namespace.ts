import type { SpecInput } from './spec-input.ts'

/** Whether the container gets a cgroup namespace of its own. */
export function hasCgroupNamespace({
  config,
  facts,
}: Pick<SpecInput, 'config' | 'facts'>): boolean {
  return (config.cgroupnsMode ?? (facts.cgroup.mode === 'v2' ? 'private' : 'host')) === 'private'
}
