import { nativeSnapshotter } from '../../src/snapshot/native.ts'
import { needsRoot } from '../helpers/capabilities.ts'
import { testSnapshotter } from './contract.ts'

testSnapshotter('native', nativeSnapshotter, needsRoot())
