import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Whether a program is on the PATH. */
export async function hasProgram(name) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder !== "" && (await isExecutable(join(folder, name)))) return true;
  }
  return false;
}

/** Those of the programs that are not on the PATH. */
export async function missingOf(names) {
  const found = await Promise.all(names.map(hasProgram));
  return names.filter((_, index) => !found[index]);
}

/**
 * The contenders whose programs (`needs`) are all there, and why the others are left out, as texts. `unless` of a contender is a reason of its own.
 */
export async function chooseContenders(contenders) {
  const chosen = [];
  const leftOut = [];
  for (const contender of contenders) {
    const missing = await missingOf(contender.needs ?? []);
    const reason = missing.length > 0 ? `no ${missing.join(", ")} here` : contender.unless;
    if (reason) leftOut.push(`${contender.label}: ${reason}`);
    else chosen.push(contender);
  }
  return { chosen, leftOut };
}

function isExecutable(path) {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
