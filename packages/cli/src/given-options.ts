interface CommandWithOptions {
  opts(): object;
  getOptionValueSource(key: string): unknown;
  readonly parent: CommandWithOptions | null;
}

/** Options that were given to a command, or to the program in front of it; commander presets those that begin with `--no-`. */
export function givenOptions(command: CommandWithOptions): object {
  const given = Object.entries(command.opts()).filter(([key]) => command.getOptionValueSource(key) !== "default");
  return { ...(command.parent === null ? {} : givenOptions(command.parent)), ...Object.fromEntries(given) };
}
