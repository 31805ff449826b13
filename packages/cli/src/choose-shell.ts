import { basename } from "node:path";
import type { EnvironmentShell } from "@spkoci/core";
import type { EnvFlags } from "./flags.js";
import type { World } from "./world.js";

/** The chosen language, else that of the user's shell; sh for a shell that isn't known. */
export function chooseShell(flags: EnvFlags, { env }: Pick<World, "env">): EnvironmentShell {
  if (flags.sh) return "sh";
  if (flags.csh) return "csh";
  if (flags.fish) return "fish";
  const shell = basename(env.SHELL ?? "");
  if (shell === "fish") return "fish";
  return shell === "csh" || shell === "tcsh" ? "csh" : "sh";
}
