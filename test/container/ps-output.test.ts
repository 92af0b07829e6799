import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseProcesses, refuseOtherPids } from '../../src/container/ps-output.ts'

const output = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 Nov23 ?        00:00:02 /sbin/init
root        4042    4030  0 10:00 ?        00:00:00 sh -c  sleep 1000
root        4043    4042  0 10:00 ?        00:00:00 sleep 1000
`

test('the processes asked for are chosen, the command in one cell', () => {
  assert.deepEqual(chooseProcesses(output, new Set([4042, 4043])), {
    titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
    processes: [
      ['root', '4042', '4030', '0', '10:00', '?', '00:00:00', 'sh -c sleep 1000'],
      ['root', '4043', '4042', '0', '10:00', '?', '00:00:00', 'sleep 1000'],
    ],
  })
})

test('threads come with their process', () => {
  const threads = `  PID TTY      COMMAND
    1 ?        init
    - -        -
   70 ?        work
    - -        -
    - -        -
`
  assert.deepEqual(chooseProcesses(threads, new Set([70]))?.processes, [
    ['70', '?', 'work'],
    ['-', '-', '-'],
    ['-', '-', '-'],
  ])
})

test('without a PID column there is nothing to choose by', () => {
  assert.equal(chooseProcesses('UID CMD\nroot init\n', new Set([1])), undefined)
})

test('another column must not be named PID', () => {
  for (const args of [['-o', 'ppid=PID'], ['-o', 'cmd,ppid=PID'], ['-oppid,uid=PID2']]) {
    assert.throws(() => refuseOtherPids(args), { code: 'INVALID_ARGUMENT' })
  }
  for (const args of [['-o', 'pid=PID,cmd'], ['-o', 'pid,ppid=PARENT'], ['aux'], []]) {
    refuseOtherPids(args)
  }
})
