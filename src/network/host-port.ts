/** `0.0.0.0:80`, `[::1]:80`. */
export function formatHostPort({
  hostAddress,
  hostPort,
}: {
  readonly hostAddress: string
  readonly hostPort: number | string
}): string {
  return hostAddress.includes(':') ? `[${hostAddress}]:${hostPort}` : `${hostAddress}:${hostPort}`
}
