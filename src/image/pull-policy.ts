/** When to ask the registry. Source: podman pull --policy, docker run --pull */
export const pullPolicies = [
  'always',
  /** For what is not here. */
  'missing',
  'never',
  /** Each time, but what is here will do when the registry cannot be asked. */
  'newer',
] as const
export type PullPolicy = (typeof pullPolicies)[number]
