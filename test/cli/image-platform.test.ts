import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { platformWarning, wantedPlatform } from '../../src/cli/image-platform.ts'
import { hostPlatform } from '../../src/host/platform.ts'
import { formatPlatform, parsePlatform } from '../../src/oci/platform.ts'

const before = process.env.DOCKER_DEFAULT_PLATFORM
beforeEach(() => {
  delete process.env.DOCKER_DEFAULT_PLATFORM
})
afterEach(() => {
  if (before === undefined) delete process.env.DOCKER_DEFAULT_PLATFORM
  else process.env.DOCKER_DEFAULT_PLATFORM = before
})

const foreign = parsePlatform('linux/s390x', hostPlatform())

test('an image of the wanted platform gives no warning', () => {
  assert.equal(platformWarning(hostPlatform()), undefined)
  assert.equal(platformWarning(foreign, 'linux/s390x'), undefined)
  process.env.DOCKER_DEFAULT_PLATFORM = 'linux/s390x'
  assert.equal(platformWarning(foreign), undefined)
  assert.deepEqual(wantedPlatform(), foreign)
})

test('another is warned about, in docker’s words where nobody said which', () => {
  assert.equal(
    platformWarning(foreign),
    "WARNING: The requested image's platform (linux/s390x) does not match the detected host " +
      `platform (${formatPlatform(hostPlatform())}) and no specific platform was requested`,
  )
  assert.equal(
    platformWarning(hostPlatform(), 'linux/s390x'),
    `WARNING: The requested image's platform (${formatPlatform(hostPlatform())}) does not match the ` +
      'specified platform (linux/s390x)',
  )
})
