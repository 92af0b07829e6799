import type { Command } from 'commander'
import { settled } from '../../container/settled.ts'
import { TsctrError } from '../../errors.ts'
import { formatHostPort } from '../../network/host-port.ts'
import { portsOf } from '../../network/ports.ts'
import { withContext } from '../context.ts'

/** Source: docker port */
export function addPortCommand(parent: Command): void {
  parent
    .command('port <container> [port]')
    .description('List where the ports of a container are published, or one: PORT[/PROTOCOL]')
    .action((name: string, port: string | undefined, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        const { id } = await settled(ctx, name)
        const ports = portsOf(ctx.database, id)
        if (port === undefined) {
          for (const one of ports) {
            ctx.stdout.line(`${one.containerPort}/${one.protocol} -> ${formatHostPort(one)}`)
          }
          return
        }
        const wanted = parsePort(port)
        const own = ports.filter((one) => `${one.containerPort}/${one.protocol}` === wanted)
        if (own.length === 0) {
          const message = `container ${name}: no public port '${wanted}' is published`
          throw new TsctrError('NOT_FOUND', message)
        }
        for (const one of own) ctx.stdout.line(formatHostPort(one))
      }),
    )
}

function parsePort(text: string): string {
  const [, number, protocol = 'tcp'] = /^(\d{1,5})(?:\/(\w+))?$/.exec(text) ?? []
  if (number !== undefined) return `${number}/${protocol.toLowerCase()}`
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be PORT or PORT/PROTOCOL`)
}
