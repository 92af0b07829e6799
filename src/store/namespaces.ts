import type { Database } from '../host/database.ts'

/** Make sure a namespace exists; images and containers refer to it. */
export function ensureNamespace(database: Database, name: string): void {
  const known = database.prepare('SELECT 1 FROM namespace WHERE name = ?').get(name)
  if (known !== undefined) return
  database
    .prepare('INSERT OR IGNORE INTO namespace (name, created_at) VALUES (?, ?)')
    .run(name, Date.now())
}

/** Names of all namespaces, sorted. */
export function listNamespaces(database: Database): string[] {
  return database
    .prepare<[], { name: string }>('SELECT name FROM namespace ORDER BY name')
    .all()
    .map((row) => row.name)
}
