/** Where a container's network comes from, as far as its files in /etc go. */
export type NetworkKind = 'own' | 'host' | 'none'
