import type { Command } from 'commander'

/** Adds one command to `parent`; main.ts gives it the name that the user typed. */
export type AddCommand = (parent: Command) => void

export interface CommandEntry {
  /** Every way to type it, words parted by one space: `ps`, `container ls`. */
  readonly names: readonly string[]
  /** What the help tables say; they are printed without loading any command. */
  readonly summary: string
  /** Stands in the first table of the help. */
  readonly isCommon?: boolean
  /**
   * Runs a program of the user's: options end at the first operand, so that those of the program
   * stay its own, and a mistake exits with 125, so that it is not taken for the program's.
   */
  readonly runsProgram?: boolean
  readonly load: () => Promise<AddCommand>
}

export interface CommandGroup {
  readonly name: string
  readonly summary: string
  /** For tsctr itself; not in the help. */
  readonly isInternal?: boolean
}

/** The first words of the long forms. */
export const commandGroups: readonly CommandGroup[] = [
  { name: 'container', summary: 'Manage containers' },
  { name: 'image', summary: 'Manage images' },
  { name: 'manifest', summary: 'Look at manifests in registries' },
  { name: 'content', summary: 'Look into the content store' },
  { name: 'network', summary: 'Manage networks' },
  { name: 'snapshot', summary: 'Look into the snapshots' },
  { name: 'lease', summary: 'Look into what running commands keep from gc' },
  { name: 'system', summary: 'Manage tsctr itself' },
  { name: 'volume', summary: 'Manage volumes' },
  { name: 'internal', summary: 'What tsctr calls itself for', isInternal: true },
]

/** Every command. Each loads its own file and nothing else, so that a command starts fast. */
export const commandList: readonly CommandEntry[] = [
  {
    names: ['attach', 'container attach'],
    summary: 'Join stdin, stdout and stderr of a running container',
    load: async () => (await import('./commands/attach.ts')).addAttachCommand,
  },
  {
    names: ['commit', 'container commit'],
    summary: 'Make an image of what a container has changed',
    load: async () => (await import('./commands/commit.ts')).addCommitCommand,
  },
  {
    names: ['content active'],
    summary: 'List unfinished downloads: how far they are, and whose',
    load: async () => (await import('./commands/content-active.ts')).addContentActiveCommand,
  },
  {
    names: ['content fetch'],
    summary: 'Download an image without unpacking it',
    load: async () => (await import('./commands/content-fetch.ts')).addContentFetchCommand,
  },
  {
    names: ['content get'],
    summary: 'Write the bytes of a blob to stdout',
    load: async () => (await import('./commands/content-get.ts')).addContentGetCommand,
  },
  {
    names: ['content ingest'],
    summary: 'Store stdin as a blob',
    load: async () => (await import('./commands/content-ingest.ts')).addContentIngestCommand,
  },
  {
    names: ['content label'],
    summary: 'Change labels of a blob',
    load: async () => (await import('./commands/content-label.ts')).addContentLabelCommand,
  },
  {
    names: ['content ls', 'content list'],
    summary: 'List blobs',
    load: async () => (await import('./commands/content-ls.ts')).addContentLsCommand,
  },
  {
    names: ['container exists'],
    summary: 'Tell by the exit code whether there is such a container',
    load: async () => (await import('./commands/container-exists.ts')).addContainerExistsCommand,
  },
  {
    names: ['container inspect'],
    summary: 'Show all that is known of containers',
    load: async () => (await import('./commands/container-inspect.ts')).addContainerInspectCommand,
  },
  {
    names: ['container prune'],
    summary: 'Remove all containers that do not run',
    load: async () => (await import('./commands/container-prune.ts')).addContainerPruneCommand,
  },
  {
    names: ['content rm', 'content remove'],
    summary: 'Remove blobs that nothing needs',
    load: async () => (await import('./commands/content-rm.ts')).addContentRmCommand,
  },
  {
    names: ['content verify'],
    summary: 'Read blobs again and name those that are damaged or missing',
    load: async () => (await import('./commands/content-verify.ts')).addContentVerifyCommand,
  },
  {
    names: ['container show-run'],
    summary: 'Print the command that made a container',
    load: async () => (await import('./commands/container-show-run.ts')).addContainerShowRunCommand,
  },
  {
    names: ['container spec'],
    summary: 'Print the config.json that the runtime was given for a running container',
    load: async () => (await import('./commands/container-spec.ts')).addContainerSpecCommand,
  },
  {
    names: ['cp', 'container cp'],
    summary: 'Copy files out of a container or an image, or into a container',
    load: async () => (await import('./commands/cp.ts')).addCpCommand,
  },
  {
    names: ['create', 'container create'],
    summary: 'Create a container without starting it',
    runsProgram: true,
    load: async () => (await import('./commands/create.ts')).addCreateCommand,
  },
  {
    names: ['events', 'system events'],
    summary: 'Show what happens to containers, images, volumes and networks',
    load: async () => (await import('./commands/events.ts')).addEventsCommand,
  },
  {
    names: ['diff', 'container diff'],
    summary: 'List what a container has added, changed and deleted',
    load: async () => (await import('./commands/diff.ts')).addDiffCommand,
  },
  {
    names: ['exec', 'container exec'],
    summary: 'Run a program in a running container',
    isCommon: true,
    runsProgram: true,
    load: async () => (await import('./commands/exec.ts')).addExecCommand,
  },
  {
    names: ['export', 'container export'],
    summary: 'Write the files of a container as a tar archive',
    load: async () => (await import('./commands/export.ts')).addExportCommand,
  },
  {
    names: ['gc'],
    summary: 'Remove what no image and no container needs',
    load: async () => (await import('./commands/gc.ts')).addGcCommand,
  },
  {
    names: ['history', 'image history'],
    summary: 'Show how an image was made',
    load: async () => (await import('./commands/history.ts')).addHistoryCommand,
  },
  {
    names: ['image convert'],
    summary: 'Make an image with the same files in another form',
    load: async () => (await import('./commands/image-convert.ts')).addImageConvertCommand,
  },
  {
    names: ['image diff'],
    summary: 'List what one image has against another',
    load: async () => (await import('./commands/image-diff.ts')).addImageDiffCommand,
  },
  {
    names: ['image check'],
    summary: 'Tell whether all of an image is here and unpacked',
    load: async () => (await import('./commands/image-check.ts')).addImageCheckCommand,
  },
  {
    names: ['image inspect'],
    summary: 'Show all that is known of images',
    load: async () => (await import('./commands/image-inspect.ts')).addImageInspectCommand,
  },
  {
    names: ['image mount'],
    summary: 'Mount an image read-only, or list what is mounted',
    load: async () => (await import('./commands/image-mount.ts')).addImageMountCommand,
  },
  {
    names: ['image prune'],
    summary: 'Remove images that no container was made from',
    load: async () => (await import('./commands/image-prune.ts')).addImagePruneCommand,
  },
  {
    names: ['image unmount'],
    summary: 'Undo image mount',
    load: async () => (await import('./commands/image-unmount.ts')).addImageUnmountCommand,
  },
  {
    names: ['images', 'image ls', 'image list'],
    summary: 'List images',
    isCommon: true,
    load: async () => (await import('./commands/images.ts')).addImagesCommand,
  },
  {
    names: ['import', 'image import'],
    summary: 'Make an image of a root filesystem',
    load: async () => (await import('./commands/import.ts')).addImportCommand,
  },
  {
    names: ['info', 'system info'],
    summary: 'Show what tsctr works with on this machine',
    isCommon: true,
    load: async () => (await import('./commands/info.ts')).addInfoCommand,
  },
  {
    names: ['inspect'],
    summary: 'Show all that is known of containers, images, volumes and networks',
    isCommon: true,
    load: async () => (await import('./commands/inspect.ts')).addInspectCommand,
  },
  {
    names: ['internal health'],
    summary: 'Judge the last health check of a container; run by its helper',
    load: async () => (await import('./commands/internal-health.ts')).addHealthCommand,
  },
  {
    names: ['internal on-exit'],
    summary: 'Clean up after a container; run by its monitor',
    load: async () => (await import('./commands/internal-on-exit.ts')).addOnExitCommand,
  },
  {
    names: ['kill', 'container kill'],
    summary: 'Send a signal to running containers',
    load: async () => (await import('./commands/kill.ts')).addKillCommand,
  },
  {
    names: ['load', 'image load'],
    summary: 'Load images from an archive',
    load: async () => (await import('./commands/load.ts')).addLoadCommand,
  },
  {
    names: ['lease ls', 'lease list'],
    summary: 'List what running commands keep from gc',
    load: async () => (await import('./commands/lease-ls.ts')).addLeaseLsCommand,
  },
  {
    names: ['login'],
    summary: 'Log in to a registry',
    load: async () => (await import('./commands/login.ts')).addLoginCommand,
  },
  {
    names: ['logout'],
    summary: 'Forget the login of a registry',
    load: async () => (await import('./commands/logout.ts')).addLogoutCommand,
  },
  {
    names: ['logs', 'container logs'],
    summary: 'Show what a container has written',
    isCommon: true,
    load: async () => (await import('./commands/logs.ts')).addLogsCommand,
  },
  {
    names: ['manifest inspect'],
    summary: 'Show a manifest or an index as its registry has it',
    load: async () => (await import('./commands/manifest-inspect.ts')).addManifestInspectCommand,
  },
  {
    names: ['network connect'],
    summary: 'Put a container into a network',
    load: async () => (await import('./commands/network-connect.ts')).addNetworkConnectCommand,
  },
  {
    names: ['network create'],
    summary: 'Make a network',
    load: async () => (await import('./commands/network-create.ts')).addNetworkCreateCommand,
  },
  {
    names: ['network disconnect'],
    summary: 'Take a container out of a network',
    load: async () =>
      (await import('./commands/network-disconnect.ts')).addNetworkDisconnectCommand,
  },
  {
    names: ['network inspect'],
    summary: 'Show all that is known of networks',
    load: async () => (await import('./commands/network-inspect.ts')).addNetworkInspectCommand,
  },
  {
    names: ['network ls', 'network list'],
    summary: 'List networks',
    load: async () => (await import('./commands/network-ls.ts')).addNetworkLsCommand,
  },
  {
    names: ['network prune'],
    summary: 'Remove networks that no container has',
    load: async () => (await import('./commands/network-prune.ts')).addNetworkPruneCommand,
  },
  {
    names: ['network rm', 'network remove'],
    summary: 'Remove networks',
    load: async () => (await import('./commands/network-rm.ts')).addNetworkRmCommand,
  },
  {
    names: ['pause', 'container pause'],
    summary: 'Freeze all processes of containers',
    load: async () => (await import('./commands/pause.ts')).addPauseCommand,
  },
  {
    names: ['port', 'container port'],
    summary: 'List where the ports of a container are published',
    load: async () => (await import('./commands/port.ts')).addPortCommand,
  },
  {
    names: ['ps', 'container ls', 'container list', 'container ps'],
    summary: 'List containers',
    isCommon: true,
    load: async () => (await import('./commands/ps.ts')).addPsCommand,
  },
  {
    names: ['pull', 'image pull'],
    summary: 'Download an image from a registry',
    isCommon: true,
    load: async () => (await import('./commands/pull.ts')).addPullCommand,
  },
  {
    names: ['push', 'image push'],
    summary: 'Upload an image to a registry',
    isCommon: true,
    load: async () => (await import('./commands/push.ts')).addPushCommand,
  },
  {
    names: ['rename', 'container rename'],
    summary: 'Give a container another name',
    load: async () => (await import('./commands/rename.ts')).addRenameCommand,
  },
  {
    names: ['restart', 'container restart'],
    summary: 'Stop and start containers',
    load: async () => (await import('./commands/restart.ts')).addRestartCommand,
  },
  {
    names: ['rm', 'container rm', 'container remove'],
    summary: 'Remove containers',
    isCommon: true,
    load: async () => (await import('./commands/rm.ts')).addRmCommand,
  },
  {
    names: ['rmi', 'image rm', 'image remove'],
    summary: 'Remove images',
    load: async () => (await import('./commands/rmi.ts')).addRmiCommand,
  },
  {
    names: ['run', 'container run'],
    summary: 'Create a container from an image and start it',
    isCommon: true,
    runsProgram: true,
    load: async () => (await import('./commands/run.ts')).addRunCommand,
  },
  {
    names: ['save', 'image save'],
    summary: 'Write images to an archive',
    load: async () => (await import('./commands/save.ts')).addSaveCommand,
  },
  {
    names: ['search'],
    summary: 'Search Docker Hub for images',
    load: async () => (await import('./commands/search.ts')).addSearchCommand,
  },
  {
    names: ['snapshot diff'],
    summary: 'Write what a snapshot changes as a layer tar',
    load: async () => (await import('./commands/snapshot-diff.ts')).addSnapshotDiffCommand,
  },
  {
    names: ['snapshot info'],
    summary: 'Show all that is known of a snapshot',
    load: async () => (await import('./commands/snapshot-info.ts')).addSnapshotInfoCommand,
  },
  {
    names: ['snapshot ls', 'snapshot list'],
    summary: 'List snapshots',
    load: async () => (await import('./commands/snapshot-ls.ts')).addSnapshotLsCommand,
  },
  {
    names: ['snapshot mounts'],
    summary: 'Print the command that mounts a snapshot',
    load: async () => (await import('./commands/snapshot-mounts.ts')).addSnapshotMountsCommand,
  },
  {
    names: ['snapshot rm', 'snapshot remove'],
    summary: 'Remove snapshots that nothing needs',
    load: async () => (await import('./commands/snapshot-rm.ts')).addSnapshotRmCommand,
  },
  {
    names: ['snapshot tree'],
    summary: 'Show which snapshot stands on which',
    load: async () => (await import('./commands/snapshot-tree.ts')).addSnapshotTreeCommand,
  },
  {
    names: ['snapshot unmount'],
    summary: 'Undo snapshot view',
    load: async () => (await import('./commands/snapshot-unmount.ts')).addSnapshotUnmountCommand,
  },
  {
    names: ['snapshot usage'],
    summary: 'Show what snapshots take on disk',
    load: async () => (await import('./commands/snapshot-usage.ts')).addSnapshotUsageCommand,
  },
  {
    names: ['snapshot view'],
    summary: 'Mount a snapshot read-only',
    load: async () => (await import('./commands/snapshot-view.ts')).addSnapshotViewCommand,
  },
  {
    names: ['start', 'container start'],
    summary: 'Start containers that do not run',
    isCommon: true,
    load: async () => (await import('./commands/start.ts')).addStartCommand,
  },
  {
    names: ['stats', 'container stats'],
    summary: 'Show what containers use of CPU, memory, network and disk',
    load: async () => (await import('./commands/stats.ts')).addStatsCommand,
  },
  {
    names: ['stop', 'container stop'],
    summary: 'Stop running containers',
    isCommon: true,
    load: async () => (await import('./commands/stop.ts')).addStopCommand,
  },
  {
    names: ['system df'],
    summary: 'Show what takes how much space',
    load: async () => (await import('./commands/system-df.ts')).addSystemDfCommand,
  },
  {
    names: ['system prune'],
    summary: 'Remove stopped containers, networks and images that nobody needs, and leftovers',
    load: async () => (await import('./commands/system-prune.ts')).addSystemPruneCommand,
  },
  {
    names: ['system recover'],
    summary: 'Start again what a reboot or a crash ended and a restart policy wants to run',
    load: async () => (await import('./commands/system-recover.ts')).addSystemRecoverCommand,
  },
  {
    names: ['tag', 'image tag'],
    summary: 'Give an image one more name',
    load: async () => (await import('./commands/tag.ts')).addTagCommand,
  },
  {
    names: ['tags'],
    summary: 'List the tags that a registry has of a repository',
    load: async () => (await import('./commands/tags.ts')).addTagsCommand,
  },
  {
    names: ['top', 'container top'],
    summary: 'Show the processes of a container',
    load: async () => (await import('./commands/top.ts')).addTopCommand,
  },
  {
    names: ['unpause', 'container unpause'],
    summary: 'Let the processes of paused containers go on',
    load: async () => (await import('./commands/unpause.ts')).addUnpauseCommand,
  },
  {
    names: ['update', 'container update'],
    summary:
      'Change limits, the restart policy and published ports of containers, also of running ones',
    load: async () => (await import('./commands/update.ts')).addUpdateCommand,
  },
  {
    names: ['version'],
    summary: 'Show the version of tsctr',
    isCommon: true,
    load: async () => (await import('./commands/version.ts')).addVersionCommand,
  },
  {
    names: ['volume create'],
    summary: 'Make a volume',
    load: async () => (await import('./commands/volume-create.ts')).addVolumeCreateCommand,
  },
  {
    names: ['volume export'],
    summary: 'Write what is in a volume as a tar archive',
    load: async () => (await import('./commands/volume-export.ts')).addVolumeExportCommand,
  },
  {
    names: ['volume import'],
    summary: 'Unpack a tar archive into a volume',
    load: async () => (await import('./commands/volume-import.ts')).addVolumeImportCommand,
  },
  {
    names: ['volume inspect'],
    summary: 'Show all that is known of volumes',
    load: async () => (await import('./commands/volume-inspect.ts')).addVolumeInspectCommand,
  },
  {
    names: ['volume ls', 'volume list'],
    summary: 'List volumes',
    load: async () => (await import('./commands/volume-ls.ts')).addVolumeLsCommand,
  },
  {
    names: ['volume prune'],
    summary: 'Remove volumes that no container has',
    load: async () => (await import('./commands/volume-prune.ts')).addVolumePruneCommand,
  },
  {
    names: ['volume rm', 'volume remove'],
    summary: 'Remove volumes',
    load: async () => (await import('./commands/volume-rm.ts')).addVolumeRmCommand,
  },
  {
    names: ['wait', 'container wait'],
    summary: 'Wait until containers have ended, then print their exit codes',
    load: async () => (await import('./commands/wait.ts')).addWaitCommand,
  },
]
