import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeMachineStore, PLANS } from "./machine-store.mjs";
import { quote } from "./shell.mjs";

/**
 * The store of --store, or one made by a plan of PLANS: its root as recorded, the sysroot, the packages that are installed there (hash,
 * and prefix as recorded), the bytes of their prefixes, and `about`, which says what it is. The files are in memory then if they fit.
 */
export function openInput(session, plan) {
  const { store, sysroot = "/" } = session.options;
  return store ? readStore(session, { store, sysroot, about: `store ${store}` }) : makeInput(session, plan);
}

/** A store made by a plan, whatever the options name. */
export async function makeInput(session, plan) {
  console.error(`making a store: ${plan}`);
  return makePlannedInput(session, PLANS[plan](session.options.scale));
}

/** A store made by a plan in the form of those in PLANS. */
export async function makePlannedInput(session, plan) {
  return readStore(session, await makeMachineStore(await session.newFolder(), plan));
}

async function readStore(session, { store, sysroot, about }) {
  const { database } = JSON.parse(await readFile(join(sysroot, store, ".spack-db/index.json"), "utf8"));
  const packages = Object.entries(database.installs)
    .filter(([, { installed, spec }]) => installed && !spec.external)
    .map(([hash, { path }]) => ({ hash, path }));
  const input = { store, sysroot, packages };
  // Fills the file cache. The names of thousands of packages are too long for a command.
  const names = join(await session.newFolder(), "names");
  await writeFile(names, packages.map(({ path }) => `${relative(path)}\n`).join(""));
  const tarAll = `${tar(sysroot)} --verbatim-files-from --files-from=${quote(names)}`;
  const { code, stdout, stderr } = await session.run("bash", ["-o", "pipefail", "-c", `${tarAll} | wc -c`]);
  if (code !== 0) throw new Error(`${store} can't be read: ${stderr}`);
  const bytes = Number(stdout);
  const count = packages.length === 1 ? "1 package" : `${packages.length} packages`;
  return { ...input, bytes, about: `${about}: ${count}, ${(bytes / 1e6).toFixed(0)} MB as tar` };
}

/** The commands that write a tarball of each package to `folder`, one after the other, as `1.tar…` and so on. */
export function tarEach({ sysroot, packages }, compressor, folder) {
  return packages
    .map(
      ({ path }, index) =>
        `${tar(sysroot)} ${quote(relative(path))} | ${compressor} > ${quote(join(folder, `${index + 1}.tar`))}`,
    )
    .join("\n");
}

/** Names in order, as spkoci has them: that makes the result smaller. */
function tar(sysroot) {
  return `tar --sort=name -C ${quote(sysroot)} -cf -`;
}

function relative(path) {
  return path.replace(/^\/+/, "");
}
