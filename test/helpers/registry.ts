import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type RegistryLock,
  type RunningRegistry,
  runDockerRegistry,
} from '../../fixtures/docker-registry.ts'
import { copyPushedStore } from '../../fixtures/images/store.ts'

/**
 * A registry of one's own on loopback, with all fixture images in it (fixtures/README.md lists
 * them). What a test pushes or deletes, no other test sees.
 */
export async function startRegistry(lock?: RegistryLock): Promise<RunningRegistry> {
  const dir = mkdtempSync(join(tmpdir(), 'tsctr-registry-'))
  try {
    await copyPushedStore(join(dir, 'storage'))
    const registry = await runDockerRegistry(dir, lock)
    return {
      ...registry,
      async stop() {
        await registry.stop()
        rmSync(dir, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(dir, { recursive: true, force: true })
    throw error
  }
}
