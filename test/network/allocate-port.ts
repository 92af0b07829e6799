import { join } from 'node:path'
import { openDatabase } from '../../src/host/database.ts'
import { bootId, processStartTicks } from '../../src/host/owner.ts'
import { allocateAddress } from '../../src/network/allocate-address.ts'
import { allocatePorts } from '../../src/network/allocate-ports.ts'
import { resolveNetwork } from '../../src/network/networks.ts'
import { networkMigrations } from '../../src/network/schema.ts'

// Takes one port of the default network's data root, as a run does: DATA-ROOT CONTAINER PORT.
const [dataRoot = '', containerId = '', port = ''] = process.argv.slice(2)
const database = openDatabase(join(dataRoot, 'meta.db'), networkMigrations)
const startTicks = processStartTicks(process.ppid)
if (startTicks === undefined) throw new Error('the test has ended')
// The test lives on: the others are not to find a port of a process that is gone.
const owner = { pid: process.ppid, startTicks, bootId: bootId() }
const endpoint = await allocateAddress(database, { networkName: 'bridge', containerId, owner })
const network = resolveNetwork(database, 'bridge')
const hostPorts = { first: Number(port), last: Number(port) }
await allocatePorts(database, [{ protocol: 'tcp', hostPorts, containerPort: 80 }], {
  endpoint,
  network,
  owner,
})
database.close()
