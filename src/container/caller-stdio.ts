/** The stdio of whoever called the program; cli/ gives it to the services that join it to a container. */
export interface CallerStdio {
  /** What comes on stdin, until its end. */
  input(): AsyncIterable<Buffer>
  /** Whether stdin is a terminal. */
  hasTerminalInput(): boolean
  /** Stop reading stdin, so that it does not keep the program from ending. */
  closeInput(): void
  /** Resolves when the data is out; what nobody reads any more is dropped. */
  write(stream: 'stdout' | 'stderr', data: Buffer): Promise<void>
  /** Rows and columns of the terminal behind stdout; undefined if there is none. */
  size(): TerminalSize | undefined
  /** @returns a function that ends it */
  onResize(listener: () => void): () => void
  /**
   * Take keys as they are typed, if stdin is a terminal.
   *
   * @returns  a function that gives the terminal back as it was; the end of the process does so too
   */
  takeKeysRaw(): () => void
}

export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}
