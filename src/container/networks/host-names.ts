import { join } from 'node:path'
import type { Database } from '../../host/database.ts'
import { lockFile } from '../../host/file-lock.ts'
import { type Endpoint, endpointsIn, networksByContainer } from '../../network/addresses.ts'
import type { HostEntry } from '../../network/hosts-file.ts'
import { managedHosts, writeManagedHosts } from '../../network/managed-hosts.ts'
import { containerFiles } from '../../runtime/container-files.ts'
import { type ContainerRecord, getContainer } from '../../store/containers.ts'
import { asConfig } from '../config.ts'
import type { ContainerStores } from '../stores.ts'
import { namesInNetwork } from './attachments.ts'

/**
 * Bring the names up to date by which the containers of some networks find each other: each has
 * those of its namespace in its /etc/hosts, by name, alias, short id, hostname and `name.network`.
 *
 * One process at a time, from what is recorded then: whoever is last writes what is true. What a
 * killed process left undone, the next change of the network does.
 */
export async function refreshHostNames(
  stores: Pick<ContainerStores, 'database' | 'dataRoot'>,
  networkNames: readonly string[],
): Promise<void> {
  if (networkNames.length === 0) return
  const lock = await lockFile(join(stores.dataRoot, 'hosts.lock'))
  try {
    const directory = new NetworkDirectory(stores.database)
    const memberships = networksByContainer(stores.database)
    const concerned = new Set(
      networkNames.flatMap((name) => directory.in(name)).map(({ record }) => record),
    )
    for (const record of concerned) {
      writeManagedHosts(
        containerFiles(stores.dataRoot, record.id).hosts,
        directory.managedFor(memberships.get(record.id) ?? [], record.namespace),
      )
    }
  } finally {
    lock.release()
  }
}

interface Member {
  readonly endpoint: Endpoint
  readonly record: ContainerRecord
}

function entriesOf({ endpoint, record }: Member): HostEntry[] {
  const { address, ipv6, aliases, networkName } = endpoint
  const { hostname } = asConfig(record.config)
  const own = namesInNetwork({ ...record, hostname }, aliases)
  const names = [...new Set([...own, `${record.name}.${networkName}`])]
  const addresses = ipv6 === undefined ? [address] : [address, ipv6.address]
  return addresses.map((one) => ({ address: one, names }))
}

/** Who is in which network, each looked up once. */
class NetworkDirectory {
  readonly #database: Database
  readonly #networks = new Map<string, readonly Member[]>()
  /** Most containers of a network share theirs. */
  readonly #managed = new Map<string, string>()
  readonly #records = new Map<string, ContainerRecord | undefined>()

  constructor(database: Database) {
    this.#database = database
  }

  managedFor(networkNames: readonly string[], namespace: string): string {
    const key = [namespace, ...networkNames].join(' ')
    const known = this.#managed.get(key)
    if (known !== undefined) return known
    const entries = networkNames
      .flatMap((name) => this.in(name))
      .filter(({ record }) => record.namespace === namespace)
      .flatMap(entriesOf)
    const managed = managedHosts(entries)
    this.#managed.set(key, managed)
    return managed
  }

  in(networkName: string): readonly Member[] {
    const known = this.#networks.get(networkName)
    if (known !== undefined) return known
    const members = endpointsIn(this.#database, networkName).flatMap((endpoint) => {
      const record = this.#record(endpoint.containerId)
      return record === undefined ? [] : { endpoint, record }
    })
    this.#networks.set(networkName, members)
    return members
  }

  #record(id: string): ContainerRecord | undefined {
    if (!this.#records.has(id)) this.#records.set(id, getContainer(this.#database, id))
    return this.#records.get(id)
  }
}
