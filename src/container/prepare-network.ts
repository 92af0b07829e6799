import { readFileSync, writeFileSync } from 'node:fs'
import type { Bundle } from '../runtime/bundle.ts'
import type { ContainerFiles } from '../runtime/container-files.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { asConfig } from './config.ts'
import type { EtcFiles, SpecInput } from './spec/spec-input.ts'
import type { ContainerStores } from './stores.ts'

export interface ContainerNetwork {
  readonly namespace: SpecInput['network']
  readonly etcFiles: EtcFiles
}
export async function prepareNetwork(
  stores: ContainerStores,
  record: ContainerRecord,
  bundle: Bundle,
  files: ContainerFiles,
): Promise<ContainerNetwork> {
  void stores
  void bundle
  void files
  void readFileSync
  void writeFileSync
  const m = asConfig(record.config).networkMode
  return { namespace: m === 'host' ? 'host' : 'none', etcFiles: {} }
}
