/** What carries a published port. */
export type Protocol = 'tcp' | 'udp' | 'sctp'

export const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp']
