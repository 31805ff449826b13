import { SpkociError } from "@spkoci/core";
import type { CommanderError } from "commander";

const SUGGESTION = /\n\(Did you mean (?:one of )?(.*?)\?\)/s;

/**
 * What commander says of wrong words, as an error of spkoci with a hint.
 * @param commands names of the commands that there are
 */
export function usageError(error: CommanderError, words: readonly string[], commands: readonly string[]): SpkociError {
  const suggestion = SUGGESTION.exec(error.message)?.[1];
  const message = error.message
    .replace(SUGGESTION, "")
    .replace(/^error: /, "")
    .trim();
  return new SpkociError("INVALID_ARGUMENT", message, {
    hint:
      suggestion === undefined
        ? helpHint(error, words, commands)
        : `Did you mean ${suggestion.replaceAll(", ", " or ")}?`,
  });
}

function helpHint(error: CommanderError, words: readonly string[], commands: readonly string[]): string {
  if (error.code === "commander.unknownCommand") return "`spkoci help` lists the commands.";
  const command = words.find((word) => commands.includes(word));
  return `\`spkoci help${command === undefined ? "" : ` ${command}`}\` says how it is used.`;
}
