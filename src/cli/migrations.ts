import type { Migration } from '../host/database.ts'

/** The schema: the steps of every folder that owns tables. */
export const migrations: readonly Migration[] = []
