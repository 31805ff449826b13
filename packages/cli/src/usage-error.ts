import { nearestNames, SpkociError } from "@spkoci/core";
import type { Command, CommanderError } from "commander";

const SUGGESTION = /\n\(Did you mean (?:one of )?(.*?)\?\)/s;
const CHOICE =
  /^(?:option '(.*?)' argument|command-argument value) '(.*)' is invalid(?: for argument '(.*)')?\. Allowed choices are (.*)\.$/s;
const WITH_VALUE = /^unknown option '(--[^=]+)=.*'$/s;

/**
 * What commander says of wrong words, as an error of spkoci with a hint.
 * @param words those of the command line
 */
export function usageError(error: CommanderError, words: readonly string[], program: Command): SpkociError {
  const [command] = words.flatMap((word) => program.commands.filter((one) => one.name() === word));
  const message = error.message
    .replace(SUGGESTION, "")
    .replace(/^error: /, "")
    .trim();
  const explained = explainChoice(message) ?? (command && explainValue(message, command));
  const suggestion = SUGGESTION.exec(error.message)?.[1]?.split(", ");
  const { text, meant = [] } = explained ?? { text: message, meant: suggestion };
  return new SpkociError("INVALID_ARGUMENT", text, {
    hint: meant.length > 0 ? `Did you mean ${meant.join(" or ")}?` : helpHint(error, command),
  });
}

interface Explained {
  readonly text: string;
  readonly meant?: readonly string[] | undefined;
}

/** A value that is none of those that there are. */
function explainChoice(message: string): Explained | undefined {
  const [, option, value = "", argument, list] = CHOICE.exec(message) ?? [];
  if (list === undefined) return undefined;
  const choices = list.split(", ");
  const name = option === undefined ? argument : /--[^ ]+/.exec(option)?.[0];
  return {
    text: `${name}: must be ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`,
    meant: nearestNames(value, choices),
  };
}

/** A value for an option that takes none, or that there isn't. */
function explainValue(message: string, { options }: Command): Explained | undefined {
  const [, name] = WITH_VALUE.exec(message) ?? [];
  if (name === undefined) return undefined;
  const names = options.flatMap(({ long, hidden }) => (hidden || !long ? [] : [long]));
  if (names.includes(name)) return { text: `option '${name}' takes no value` };
  return { text: `unknown option '${name}'`, meant: nearestNames(name, names) };
}

function helpHint(error: CommanderError, command: Command | undefined): string {
  if (error.code === "commander.unknownCommand") return "`spkoci help` lists the commands.";
  return `\`spkoci help${command ? ` ${command.name()}` : ""}\` says how it is used.`;
}
