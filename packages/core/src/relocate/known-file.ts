/** What is known of a regular file before it is looked at. */
export interface KnownFile {
  readonly mode: number;
  /** Its content, if it isn't on disk yet. */
  readonly held: Buffer | undefined;
  /** Says that it was changed on disk. */
  setChanged(): void;
}

/** What is known of the regular files of a prefix, by paths in it. A file with several names is one object. */
export interface KnownFiles {
  readonly byPath: ReadonlyMap<string, KnownFile>;
  /** Whether an old path may stand in the file. */
  mayName(path: string): boolean;
  /**
   * Writes a file that is held, with other content.
   * @returns the name, of those it has, under which it is written
   */
  writeChanged(path: string, content: Buffer): string;
}
