/** Options of `network create --opt` that mean something here, by docker's names. */
export const networkOptions = {
  mtu: 'com.docker.network.driver.mtu',
  /** `false`: containers of the network do not reach each other. */
  icc: 'com.docker.network.bridge.enable_icc',
} as const
