import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startRegistry } from "./registry.mjs";
import { quote } from "./shell.mjs";

/** Spack's push of the same packages, and again; needs $SPACK_ROOT, and a store at the place that its database names. */
export function spackPush(session, input, label) {
  const unless = whyNot() ?? (input.sysroot === "/" ? undefined : "Spack pushes no store below a sysroot");
  const push = async (folder, { source }) =>
    `${await spack(folder, input.store)} buildcache push --unsigned --only package --update-index ${quote(source)} ${hashesOf(input)}`;
  return [
    {
      label,
      unless,
      async run({ folder, shared, time }) {
        shared.spackRegistry = await startRegistry(session);
        await time(await push(folder, shared.spackRegistry), ENVIRONMENT);
      },
    },
    {
      label: `${label}, again`,
      goesOn: true,
      unless,
      async run({ folder, shared, time }) {
        await time(await push(folder, shared.spackRegistry), ENVIRONMENT);
        await shared.spackRegistry.close();
      },
    },
  ];
}

/** Spack's install of what spkoci pushed, into an empty store. */
export function spackInstall(session, input, { source }, label) {
  return [
    {
      label,
      unless: whyNot(),
      async run({ folder, time }) {
        const command = await spack(folder, await session.newFolder(), source);
        // Over http Spack reads no index: it knows no hash that isn't in a file.
        await time(`${command} install --use-buildcache only --no-check-signature ${specFilesOf(input)}`, ENVIRONMENT);
      },
    },
  ];
}

const ENVIRONMENT = { SPACK_DISABLE_LOCAL_CONFIG: "true" };

function whyNot() {
  return process.env.SPACK_ROOT ? undefined : "SPACK_ROOT is not set";
}

function hashesOf({ packages }) {
  return packages.map(({ hash }) => `/${hash}`).join(" ");
}

function specFilesOf({ sysroot, packages }) {
  return packages.map(({ path }) => quote(join(sysroot, path, ".spack/spec.json"))).join(" ");
}

/** The command of a Spack with a configuration of its own in `folder`: the store's root, and the mirror if there is one. */
async function spack(folder, store, mirror) {
  const scope = join(folder, "spack");
  await mkdir(scope);
  // JSON is YAML.
  const files = {
    "config.yaml": { config: { install_tree: { root: store } } },
    "mirrors.yaml": { mirrors: mirror ? { bench: { url: mirror, signed: false } } : {} },
  };
  for (const [name, value] of Object.entries(files)) await writeFile(join(scope, name), JSON.stringify(value));
  return `${quote(join(process.env.SPACK_ROOT, "bin/spack"))} -C ${quote(scope)}`;
}
