import type { Command } from 'commander'
import type { DnsOptions, ExtraHost } from '../../container/config.ts'
import { parseDnsOption, parseDnsSearch, parseDnsServer } from '../../container/flag-values/dns.ts'
import { parseExtraHost } from '../../container/flag-values/extra-host.ts'
import { repeated } from '../flag-parser.ts'

/** How a container finds names; as commander derives them. */
export interface NameFlags {
  readonly addHost?: readonly ExtraHost[]
  readonly dns?: readonly string[]
  readonly dnsOpt?: readonly string[]
  readonly dnsOption?: readonly string[]
  readonly dnsSearch?: readonly string[]
}

export function addNameFlags(command: Command): void {
  command
    .option(
      '--add-host <name:ip>',
      'add a line to /etc/hosts; the address may be host-gateway',
      repeated('--add-host', parseExtraHost),
    )
    .option('--dns <ip>', 'name server', repeated('--dns', parseDnsServer))
    .option(
      '--dns-search <domain>',
      'domain to search names in; . for none',
      repeated('--dns-search', parseDnsSearch),
    )
    .option(
      '--dns-option <option>',
      'option of resolv.conf',
      repeated('--dns-option', parseDnsOption),
    )
    .option('--dns-opt <option>', 'the same as --dns-option', repeated('--dns-opt', parseDnsOption))
}

/** @returns undefined if none of the flags was given */
export function dnsFrom(flags: NameFlags): DnsOptions | undefined {
  const servers = flags.dns ?? []
  const search = flags.dnsSearch ?? []
  const options = [...(flags.dnsOption ?? []), ...(flags.dnsOpt ?? [])]
  return servers.length + search.length + options.length === 0
    ? undefined
    : { servers, search, options }
}
