import { type Command, Option } from 'commander'
import { TsctrError } from '../../errors.ts'

/** A flag that docker, podman or nerdctl know and tsctr does not do. */
export interface RefusedFlag {
  /** Without it, or with a placeholder for its value. */
  readonly flag: string
  readonly reason: string
  /** What does the job. */
  readonly instead?: string
}

/**
 * Flags of `run` and `create` that are understood in order to say why they are not there. README's
 * table of flags repeats the reasons.
 */
export const refusedRunFlags: readonly RefusedFlag[] = [
  { flag: '--cosign-certificate-identity <id>', reason: 'images are not verified by signature' },
  {
    flag: '--cosign-certificate-identity-regexp <id>',
    reason: 'images are not verified by signature',
  },
  {
    flag: '--cosign-certificate-oidc-issuer <url>',
    reason: 'images are not verified by signature',
  },
  {
    flag: '--cosign-certificate-oidc-issuer-regexp <url>',
    reason: 'images are not verified by signature',
  },
  { flag: '--cosign-key <key>', reason: 'images are not verified by signature' },
  { flag: '--disable-content-trust', reason: 'there is no content trust to disable' },
  {
    flag: '--gpus <devices>',
    reason: 'needs the runtime hooks of the maker of the device',
    instead: '--device /dev/nvidia0 and the like, with the libraries mounted by -v',
  },
  { flag: '--ipfs-address <address>', reason: 'images do not come from IPFS' },
  { flag: '--isolation <technology>', reason: 'is for Windows' },
  {
    flag: '--kernel-memory <size>',
    reason: 'the kernel has dropped this limit',
    instead: '--memory, which counts kernel memory too',
  },
  { flag: '--link <container>', reason: 'links are a thing of the past', instead: '--network' },
  { flag: '--link-local-ip <ip>', reason: 'links are a thing of the past', instead: '--network' },
  { flag: '--rdt-class <class>', reason: 'Intel RDT is not supported' },
  {
    flag: '--storage-opt <option>',
    reason: 'the writable layer has no quota',
    instead: '--read-only with --tmpfs PATH:size=SIZE',
  },
  {
    flag: '--systemd <mode>',
    reason: 'nothing is arranged for systemd by itself',
    instead:
      '--tmpfs /run --tmpfs /run/lock --cgroupns private --security-opt writable-cgroups ' +
      '--stop-signal RTMIN+3',
  },
  { flag: '--use-api-socket', reason: 'there is no API socket' },
  { flag: '--verify <how>', reason: 'images are not verified by signature' },
  { flag: '--volume-driver <driver>', reason: 'volumes have one driver, local' },
]

/** Take flags, hidden, in order to refuse them with a reason. */
export function addRefusedFlags(command: Command, flags: readonly RefusedFlag[]): void {
  for (const { flag, reason, instead } of flags) {
    const [name = ''] = flag.split(' ')
    const option = new Option(flag).hideHelp()
    const refuse = (): never => {
      throw new TsctrError('UNSUPPORTED', `${name}: ${reason}`, { hint: instead })
    }
    if (option.required) option.argParser(refuse)
    else command.on(`option:${option.name()}`, refuse)
    command.addOption(option)
  }
}
