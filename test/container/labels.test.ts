import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerLabels } from '../../src/container/labels.ts'
import { imageProcess, plainConfig } from './spec/fixture.ts'

test('the user’s labels go over the image’s', () => {
  const image = imageProcess({
    labels: new Map([
      ['a', 'image'],
      ['b', 'image'],
    ]),
  })
  assert.deepEqual(containerLabels(image, plainConfig({ labels: { a: 'user' } })), {
    a: 'user',
    b: 'image',
  })
})

// Fault list, b3 37.
// CVE-2026-53488: a label of an image named a program, which was run as root on the host.
test('an image cannot speak in names of control data, the user can', () => {
  const image = imageProcess({
    labels: new Map([
      ['nerdctl/hostname', 'x'],
      ['containerd.io/restart.loguri', 'binary:///bin/sh'],
      ['tsctr.network', 'x'],
      ['com.example.nerdctl/x', 'kept'],
    ]),
  })
  const config = plainConfig({ labels: { 'tsctr.note': 'mine' } })
  assert.deepEqual(containerLabels(image, config), {
    'com.example.nerdctl/x': 'kept',
    'tsctr.note': 'mine',
  })
})

test('a label named __proto__ is a label', () => {
  const labels = containerLabels(
    imageProcess({ labels: new Map([['__proto__', 'x']]) }),
    plainConfig(),
  )
  assert.deepEqual(Object.entries(labels), [['__proto__', 'x']])
  assert.equal(Object.getPrototypeOf(labels), Object.prototype)
})
