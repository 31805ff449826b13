import { isAbsolute, join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a user's files of one kind lie, below the home folder unless the variable says otherwise. */
const FOLDERS = {
  XDG_CONFIG_HOME: ".config",
  XDG_CACHE_HOME: ".cache",
  XDG_DATA_HOME: ".local/share",
} as const;

/** spkoci's folder of a kind, by the XDG base directory specification: a variable that is no absolute path counts as unset. */
export function xdgFolder(variable: keyof typeof FOLDERS, env: Environment, home: string): string {
  const folder = env[variable] ?? "";
  return join(isAbsolute(folder) ? folder : join(home, FOLDERS[variable]), "spkoci");
}
