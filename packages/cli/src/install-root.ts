import { join } from "node:path";
import type { Settings } from "./config/settings.js";
import { xdgFolder } from "./config/xdg-folder.js";
import type { World } from "./world.js";

/** The store that packages are installed into: the chosen one, else one of the user's own. */
export function chooseInstallRoot(settings: Settings, { env, home }: World): string {
  return settings.root ?? join(xdgFolder("XDG_DATA_HOME", env, home), "store");
}
