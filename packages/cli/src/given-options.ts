/** Options that were given, the program's included; commander presets those that begin with `--no-`. */
export function givenOptions(command: {
  optsWithGlobals(): object;
  getOptionValueSourceWithGlobals(key: string): unknown;
}): object {
  const given = Object.entries(command.optsWithGlobals()).filter(
    ([key]) => command.getOptionValueSourceWithGlobals(key) !== "default",
  );
  return Object.fromEntries(given);
}
