/** Names that Spack has for distributions, where they differ from the ID of os-release. */
const SPACK_NAMES: Readonly<Record<string, string>> = { ol: "oracle", "opensuse-leap": "opensuse" };

const MAC_NAMES: ReadonlyMap<number, string> = new Map([
  [10, "catalina"],
  [11, "bigsur"],
  [12, "monterey"],
  [13, "ventura"],
  [14, "sonoma"],
  [15, "sequoia"],
  [26, "tahoe"],
]);

/**
 * A Linux system's name in Spack: `debian12`, `ubuntu24.04`, `rhel9`.
 * @param osRelease text of /etc/os-release
 * @param glibc version, which Spack counts openSUSE Tumbleweed by
 * @param debianVersion text of /etc/debian_version, for systems without a version
 */
export function linuxName(osRelease: string, glibc?: string, debianVersion?: string): string {
  const fields = new Map<string, string>();
  for (const line of osRelease.split("\n")) {
    const [, key, value] = /^\s*([A-Z_]+)=(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value.replace(/^(["'])(.*)\1$/, "$2"));
  }
  const id = (fields.get("ID") ?? "unknown").toLowerCase().replaceAll(" ", "_");
  const version = fields.get("VERSION_ID") ?? (id === "debian" ? (debianVersion?.trim() ?? "") : "");
  const [first = "", second] = version.split(/[^\w-]/);
  if (id === "opensuse-tumbleweed") return `opensusetumbleweed${glibc ?? first}`;
  const ofName = id.includes("ubuntu") && second !== undefined ? `${first}.${second}` : first;
  return `${SPACK_NAMES[id] ?? id}${ofName}`.replaceAll("-", "_");
}

/** The major version of macOS that a Darwin kernel belongs to. */
export function macVersion(kernel: string): number {
  const darwin = Number.parseInt(kernel, 10);
  if (darwin >= 25) return darwin + 1;
  return darwin >= 20 ? darwin - 9 : 10;
}

/** A macOS's name in Spack: `sonoma`. */
export function macName(version: number): string {
  return MAC_NAMES.get(version) ?? `macos${version}`;
}
