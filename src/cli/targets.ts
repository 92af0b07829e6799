/**
 * Do something to each of several targets: a failure does not keep the rest from being done.
 *
 * @throws  the failure if there was one, an AggregateError of all if there were more
 */
export async function forEachTarget<T>(
  targets: readonly T[],
  action: (target: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  for (const target of targets) {
    try {
      await action(target)
    } catch (error) {
      failures.push(error)
    }
  }
  throwAll(failures)
}

/** Fail with what failed, one or several; nothing if nothing did. */
export function throwAll(failures: readonly unknown[]): void {
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} targets failed`)
}
