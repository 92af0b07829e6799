import { readFileSync, writeFileSync } from 'node:fs'
import { isErrno, TsctrError } from '../../errors.ts'
import type { HostFacts } from '../../host/host-facts.ts'

const ownScore = '/proc/self/oom_score_adj'

/**
 * Whether this process may give a score. The floor below which that takes CAP_SYS_RESOURCE can only
 * be found by trying.
 *
 * @throws  FAILED_PRECONDITION
 * Source: proc(5) /proc/PID/oom_score_adj
 */
export function requireOomScore(
  score: number | undefined,
  facts: Pick<HostFacts, 'capabilities'>,
): void {
  if (score === undefined || facts.capabilities.includes('CAP_SYS_RESOURCE')) return
  const before = readFileSync(ownScore, 'latin1')
  try {
    writeFileSync(ownScore, String(score))
    writeFileSync(ownScore, before)
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
    const message = `--oom-score-adj ${score}: below what this process may give`
    throw new TsctrError('FAILED_PRECONDITION', message, {
      hint: 'CAP_SYS_RESOURCE, which lowering it needs, is missing here',
    })
  }
}
