import type { BuildInfo } from "./build-info.js";

/** The paths that a scan of the prefix looks for, as Spack does: the package's and its dependencies' prefixes, sbang, the root. */
export function relocationNeedles(
  info: Pick<BuildInfo, "hashToPrefix" | "sbangInstallPath" | "buildpath">,
): readonly string[] {
  const { hashToPrefix, sbangInstallPath, buildpath } = info;
  return [...hashToPrefix.values(), ...(sbangInstallPath === undefined ? [] : [sbangInstallPath]), buildpath];
}
