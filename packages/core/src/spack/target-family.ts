/** A target as a node writes it: a name, or an object for a microarchitecture that isn't generic. */
export type TargetNode =
  | string
  | {
      readonly name: string;
      readonly vendor?: string | undefined;
      readonly parents?: readonly string[] | undefined;
    };

/** Families, with what tells their microarchitectures apart by name or vendor. */
const FAMILIES: readonly {
  readonly family: string;
  readonly names: RegExp;
  readonly vendors?: RegExp;
}[] = [
  {
    family: "x86_64",
    names:
      /^(x86_64|amd64|zen|bulldozer|piledriver|steamroller|excavator|k10|core2|nocona|nehalem|westmere|sandybridge|ivybridge|haswell|broadwell|skylake|cannonlake|cascadelake|icelake|sapphirerapids|mic_knl)/,
    vendors: /^(GenuineIntel|AuthenticAMD)$/,
  },
  {
    family: "aarch64",
    names: /^(aarch64|arm64|armv[89]|a64fx|thunderx2|graviton|neoverse|cortex_|m[1-9]$)/,
    vendors: /^(ARM|Apple|Fujitsu|Cavium|AWS|0x[0-9a-f]+)$/i,
  },
  { family: "ppc64le", names: /^(ppc64le|power\d+le)/ },
  { family: "ppc64", names: /^(ppc64|power\d+)/, vendors: /^IBM$/ },
  { family: "riscv64", names: /^(riscv64|u74mc)/, vendors: /^SiFive$/ },
  { family: "x86", names: /^(x86|i[3-6]86|pentium|prescott)/ },
];

/** The generic family of a target, such as `x86_64` of `zen2`; the target's own name if it isn't known. */
export function familyOfTarget(target: TargetNode): string {
  const { name, vendor = "", parents = [] } = typeof target === "string" ? { name: target } : target;
  const byName = FAMILIES.find(({ names }) => names.test(name) || parents.some((parent) => names.test(parent)));
  return (byName ?? FAMILIES.find(({ vendors }) => vendors?.test(vendor)))?.family ?? name;
}
