import { overlaySnapshotter } from '../../src/snapshot/overlay.ts'
import { needsOverlay } from '../helpers/capabilities.ts'
import { testSnapshotter } from './contract.ts'

testSnapshotter('overlayfs', overlaySnapshotter, needsOverlay())
