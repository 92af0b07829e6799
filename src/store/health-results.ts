import type { Database } from '../host/database.ts'

/** How one check of a container came out. */
export interface HealthResult {
  /** Microseconds since the epoch. */
  readonly startedAtUs: number
  readonly endedAtUs: number
  /** -1 where the time was up. */
  readonly exitCode: number
  readonly output: string
}

interface ResultRow {
  started_at_us: number
  ended_at_us: number
  exit_code: number
  output: string
}

/** As many as docker keeps. */
const keptResults = 5

/** The last results of a container, oldest first. */
export function listHealthResults(database: Database, containerId: string): HealthResult[] {
  return database
    .prepare<[string], ResultRow>(
      'SELECT * FROM health_result WHERE container_id = ? ORDER BY started_at_us',
    )
    .all(containerId)
    .map((row) => ({
      startedAtUs: row.started_at_us,
      endedAtUs: row.ended_at_us,
      exitCode: row.exit_code,
      output: row.output,
    }))
}

/** When the last check of which the result is known began; 0 before the first. */
export function lastHealthResultUs(database: Database, containerId: string): number {
  return (
    database
      .prepare<[string], number | null>(
        'SELECT max(started_at_us) FROM health_result WHERE container_id = ?',
      )
      .pluck()
      .get(containerId) ?? 0
  )
}

/** Add a result and forget those that are too old; inside a transaction. */
export function addHealthResult(
  database: Database,
  containerId: string,
  { startedAtUs, endedAtUs, exitCode, output }: HealthResult,
): void {
  database
    .prepare(
      `INSERT INTO health_result (container_id, started_at_us, ended_at_us, exit_code, output)
       VALUES (?, ?, ?, ?, ?)`,
    )
    .run(containerId, startedAtUs, endedAtUs, exitCode, output)
  database
    .prepare(
      `DELETE FROM health_result WHERE container_id = @containerId AND started_at_us NOT IN (
         SELECT started_at_us FROM health_result WHERE container_id = @containerId
         ORDER BY started_at_us DESC LIMIT @kept)`,
    )
    .run({ containerId, kept: keptResults })
}
