import { collectGarbage } from '../../src/gc/collect-garbage.ts'
import { openStores } from '../helpers/stores.ts'

// Collect garbage in a process of its own; with --killed-after-rows it is killed when the rows are
// gone and the files are not.
const [dataRoot = '', flag] = process.argv.slice(2)
const stores = openStores(dataRoot)
if (flag === '--killed-after-rows') {
  stores.content.removeOrphans = () => {
    process.kill(process.pid, 'SIGKILL')
    return []
  }
}
collectGarbage(stores)
