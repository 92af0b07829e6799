import { type NftChain, nftApply, nftList, runNetworkProgram } from './network-programs.ts'

/**
 * Docker and firewalls drop what is forwarded unless a rule of theirs accepts it, and no table of
 * ours overrules a drop elsewhere: accepting is up to that very chain. What may reach a container
 * is decided by our own table all the same. Rules are marked with the bridge's name as comment.
 */
const families = ['ip', 'ip6', 'inet']
/** Where Docker leaves room for others' rules; it is asked first and survives Docker's restart. */
const userChain = 'DOCKER-USER'

/**
 * Have every chain that drops forwarded packets by policy accept the bridge's.
 *
 * @returns  the number of nft transactions it took
 */
export async function acceptInForeignChains(bridgeName: string): Promise<number> {
  const objects = await nftList('chains')
  const chains = objects.flatMap(({ chain }) => (chain === undefined ? [] : [chain]))
  const missing: NftChain[] = []
  for (const dropping of chains.filter(dropsForwarded)) {
    const chain = chains.find((other) => isUserChainOf(dropping, other)) ?? dropping
    if (!(await hasRulesOf(bridgeName, chain))) missing.push(chain)
  }
  if (missing.length === 0) return 0
  await nftApply(missing.flatMap((chain) => acceptRules(bridgeName, chain)).join('\n'))
  return 1
}

/** Take back what acceptInForeignChains added, wherever it stands. */
export async function removeFromForeignChains(bridgeName: string): Promise<void> {
  const objects = await nftList('ruleset')
  const deletions = objects.flatMap(({ rule }) =>
    rule === undefined || rule.comment !== bridgeName
      ? []
      : `delete rule ${rule.family} ${rule.table} ${rule.chain} handle ${rule.handle}\n`,
  )
  if (deletions.length > 0) await nftApply(deletions.join(''))
}

/** As acceptInForeignChains, for the older iptables, whose one FORWARD chain nft does not see. */
export async function acceptInLegacyChain(bridgeName: string): Promise<void> {
  const rules = await legacyRules()
  if (!rules.includes('-P FORWARD DROP')) return
  const chain = rules.includes(`-N ${userChain}`) ? userChain : 'FORWARD'
  for (const match of legacyMatches(bridgeName)) {
    if (!rules.includes(legacyRule(chain, match))) await legacy(['-I', chain, ...match])
  }
}

/** Take back what acceptInLegacyChain added. */
export async function removeFromLegacyChain(bridgeName: string): Promise<void> {
  const rules = await legacyRules()
  for (const chain of ['FORWARD', userChain]) {
    for (const match of legacyMatches(bridgeName)) {
      if (rules.includes(legacyRule(chain, match))) await legacy(['-D', chain, ...match])
    }
  }
}

function dropsForwarded({ family, hook, policy }: NftChain): boolean {
  return families.includes(family) && hook === 'forward' && policy === 'drop'
}

function isUserChainOf(base: NftChain, { family, table, name }: NftChain): boolean {
  return family === base.family && table === base.table && name === userChain
}

async function hasRulesOf(bridgeName: string, { family, table, name }: NftChain): Promise<boolean> {
  const objects = await nftList('chain', family, table, name)
  return objects.some(({ rule }) => rule?.comment === bridgeName)
}

function acceptRules(bridgeName: string, { family, table, name }: NftChain): string[] {
  return ['iifname', 'oifname'].map(
    (direction) =>
      `insert rule ${family} ${table} ${name} ${direction} "${bridgeName}" counter accept comment "${bridgeName}"`,
  )
}

async function legacyRules(): Promise<string[]> {
  return (await legacy(['-S'])).split('\n')
}

function legacyMatches(bridgeName: string): string[][] {
  return ['-i', '-o'].map((direction) => [direction, bridgeName, '-j', 'ACCEPT'])
}

/** As iptables lists it. */
function legacyRule(chain: string, match: readonly string[]): string {
  return `-A ${chain} ${match.join(' ')}`
}

function legacy(args: readonly string[]): Promise<string> {
  return runNetworkProgram('iptables-legacy', ['--wait', ...args])
}
