import { access, constants, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { run } from "./workspace.mjs";

/** Programs of Debian that the contract and integration suites hold spkoci against; each is in the package of its name. */
const TOOLS = ["docker-registry", "skopeo", "umoci", "runc", "patchelf", "openssl", "chromium"];

/** Where administrators' programs lie although a user's PATH may lack it. */
export const toolPath = [process.env.PATH ?? "", "/usr/local/sbin", "/usr/sbin", "/sbin"].join(delimiter);

const isThere = async (name) => {
  for (const folder of toolPath.split(delimiter)) {
    if (folder === "") continue;
    const found = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
};

async function missingOf(names) {
  const found = await Promise.all(names.map(isThere));
  return names.filter((_, index) => !found[index]);
}

/** Installs the tools that are missing, where this may be done; resolves to the names of those that are missing still. */
export async function installTools() {
  const missing = await missingOf(TOOLS);
  if (missing.length === 0) return missing;
  if (process.getuid?.() !== 0 || !(await isThere("apt-get"))) return missing;
  console.log(`Installing Debian packages: ${missing.join(" ")}`);
  await withoutServices(async () => {
    const env = { DEBIAN_FRONTEND: "noninteractive", PATH: toolPath };
    const install = () => run("apt-get", ["install", "-yqq", "--no-install-recommends", ...missing], { env });
    await run("apt-get", ["update", "-qq"], { env });
    await install();
  });
  return missingOf(missing);
}

/** Keeps packages from starting their services: the tests start servers of their own. */
async function withoutServices(action) {
  const policy = "/usr/sbin/policy-rc.d";
  const isOurs = await writeFile(policy, "#!/bin/sh\nexit 101\n", { flag: "wx", mode: 0o755 }).then(
    () => true,
    () => false,
  );
  try {
    await action();
  } finally {
    if (isOurs) await rm(policy, { force: true });
  }
}
