import type { Migration } from '../../src/host/database.ts'

/** Two versions of a schema. A step that ran twice would fail or leave two rows. */
export const twoSteps: readonly Migration[] = [
  // Not in order, as when they come from several folders.
  {
    version: 2,
    sql: 'ALTER TABLE counter ADD COLUMN note TEXT; INSERT INTO counter VALUES (0, 1)',
  },
  { version: 1, sql: 'CREATE TABLE counter (value INTEGER NOT NULL)' },
  { version: 1, sql: 'CREATE TABLE other (id INTEGER PRIMARY KEY)' },
]
