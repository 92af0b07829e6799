import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type CopyDestination,
  type CopySource,
  placeOfCopy,
} from '../../../src/container/copy/place.ts'

const file: CopySource = { isDirectory: false, isContents: false, name: 'src' }
const directory: CopySource = { isDirectory: true, isContents: false, name: 'src' }
const contents: CopySource = { isDirectory: true, isContents: true, name: 'src' }

function destination(kind: CopyDestination['kind'], assertsDirectory = false): CopyDestination {
  return { shown: 'c:/dst', kind, assertsDirectory, name: 'dst' }
}

// Source: docker container cp §Extended description, one test for each line of it.
describe('docker’s rules: SRC is a file', () => {
  test('and DEST does not exist: it becomes DEST', () => {
    assert.deepEqual(placeOfCopy(file, destination('missing')), {
      directory: 'parent',
      name: 'dst',
    })
  })

  test('and DEST does not exist and ends in /: the directory must exist', () => {
    assert.throws(() => placeOfCopy(file, destination('missing', true)), {
      code: 'INVALID_ARGUMENT',
      message: 'c:/dst: no such directory',
    })
  })

  test('and DEST is a file: it is replaced', () => {
    assert.deepEqual(placeOfCopy(file, destination('other')), { directory: 'parent', name: 'dst' })
  })

  test('and DEST is a file and ends in /: it is no directory', () => {
    assert.throws(() => placeOfCopy(file, destination('other', true)), {
      message: 'c:/dst: not a directory',
    })
  })

  test('and DEST is a directory: it goes into it', () => {
    const place = { directory: 'destination', name: 'src' }
    assert.deepEqual(placeOfCopy(file, destination('directory')), place)
    assert.deepEqual(placeOfCopy(file, destination('directory', true)), place)
  })
})

describe('docker’s rules: SRC is a directory', () => {
  test('and DEST does not exist: DEST is made and takes what is in it', () => {
    const place = { directory: 'parent', name: 'dst' }
    for (const source of [directory, contents]) {
      assert.deepEqual(placeOfCopy(source, destination('missing')), place)
      assert.deepEqual(placeOfCopy(source, destination('missing', true)), place)
    }
  })

  test('and DEST is a file: an error', () => {
    for (const source of [directory, contents]) {
      assert.throws(() => placeOfCopy(source, destination('other')), {
        code: 'INVALID_ARGUMENT',
        message: 'c:/dst: is a file, cannot copy a directory to it',
      })
    }
  })

  test('and DEST is a directory: it goes into it', () => {
    assert.deepEqual(placeOfCopy(directory, destination('directory')), {
      directory: 'destination',
      name: 'src',
    })
  })

  test('that ends in /. and DEST is a directory: what is in it goes there', () => {
    assert.deepEqual(placeOfCopy(contents, destination('directory')), {
      directory: 'destination',
      name: undefined,
    })
  })
})
