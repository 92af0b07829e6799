import type { Command } from 'commander'
import { parseRegistry } from '../../oci/reference.ts'
import { locateLogin } from '../../registry/credential-files.ts'
import { hubServer } from '../../registry/credentials.ts'
import { eraseCredential } from '../../registry/save-credential.ts'
import { withContext } from '../context.ts'
import { loginEnvironment } from './login.ts'

interface LogoutFlags {
  readonly authfile?: string
}

export function addLogoutCommand(parent: Command): void {
  parent
    .command('logout [server]')
    .description('Forget the login of a registry; of Docker Hub unless one is named')
    .option('--authfile <file>', 'file to erase from (env REGISTRY_AUTH_FILE)')
    .action((server: string | undefined, flags: LogoutFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const registry = server === undefined ? 'docker.io' : parseRegistry(server)
        const env = loginEnvironment(flags.authfile)
        const name = registry === 'docker.io' ? hubServer : registry
        ctx.stdout.line(`Removing login credentials for ${name}`)
        await eraseCredential(registry, env)
        const other = await locateLogin(registry, '', env)
        if (other !== undefined) {
          ctx.stderr.line(`WARNING: ${other.path} still has a login for ${name}`)
        }
      }),
    )
}
