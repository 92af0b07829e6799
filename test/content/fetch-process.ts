import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { contentMigrations } from '../../src/content/schema.ts'
import { ContentStore } from '../../src/content/store.ts'
import { openDatabase } from '../../src/host/database.ts'
import { parseDigest } from '../../src/oci/digest.ts'

// A process of its own that fetches one blob from a URL into a store, and says how that ended.
const [root = '', url = '', digest = '', sizeBytes = ''] = process.argv.slice(2)
const database = openDatabase(join(root, 'meta.db'), contentMigrations)
const store = new ContentStore({ root: join(root, 'content'), database })
const outcome = await store.ensureBlob(
  { mediaType: 'application/x-test', digest: parseDigest(digest), sizeBytes: Number(sizeBytes) },
  {
    ref: 'layer',
    open: async (offsetBytes) => {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      get(url, { headers: { range: `bytes=${offsetBytes}-` } }, resolve).on('error', reject)
      return { stream: await promise, offsetBytes }
    },
  },
)
console.log(outcome)
database.close()
