/** Whether to colour what goes to `stream`: a terminal, no NO_COLOR, and not a dumb one. */
export function wantsColor(
  stream: { readonly isTTY?: boolean | undefined },
  environment: NodeJS.ProcessEnv = process.env,
): boolean {
  const refused = environment.NO_COLOR ?? ''
  return stream.isTTY === true && refused === '' && environment.TERM !== 'dumb'
}
