import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { sha256Digest } from '../../src/oci/sha256.ts'
import { createLease } from '../../src/store/leases.ts'
import { openStores } from '../helpers/stores.ts'

// A process of its own that gets as far as a pull does before its layers are complete, says so, and
// waits to be killed: a document, half a blob, a half-unpacked snapshot, all held by its lease.
const [dataRoot = ''] = process.argv.slice(2)
const stores = openStores(dataRoot)
const lease = createLease(stores.database, 'pull')

const manifest = Buffer.from('a manifest that nothing names yet')
lease.hold('blob', sha256Digest(manifest))
stores.content.writeDocument(manifest, { mediaType: mediaTypes.ociManifest })

lease.hold('snapshot', 'extract layer')
stores.snapshots.prepare('extract layer', undefined)
const [directory = ''] = stores.snapshots.directoriesTopFirst('extract layer')
mkdirSync(join(directory, 'usr'))
writeFileSync(join(directory, 'usr', 'half'), 'half')

const layer = Buffer.from('a layer of which half arrives')
const descriptor = {
  mediaType: mediaTypes.ociLayer,
  digest: sha256Digest(layer),
  sizeBytes: layer.length,
}
lease.hold('blob', descriptor.digest)
// A stream that is silent keeps no process alive; a socket would.
setInterval(() => {}, 60_000)
let isHalfSent = false
await stores.content.ensureBlob(descriptor, {
  ref: 'layer',
  open: async (offsetBytes) => ({
    offsetBytes,
    stream: new Readable({
      read() {
        if (isHalfSent) return
        isHalfSent = true
        this.push(layer.subarray(0, layer.length / 2))
      },
    }),
  }),
  onProgress: () => process.stdout.write('ready\n'),
})
