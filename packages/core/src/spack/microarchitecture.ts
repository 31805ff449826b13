/** A target that Spack builds for. Names, ancestors and features are those of archspec, which Spack asks. */
export interface Microarchitecture {
  readonly name: string;
  readonly vendor: string;
  /** Names of all targets whose programs run on this one. */
  readonly ancestors: ReadonlySet<string>;
  /** What a processor must have, as Linux names it, with what the ancestors need. */
  readonly features: ReadonlySet<string>;
  /** ARM's number of the model. */
  readonly part?: string | undefined;
  /** Of a POWER processor. */
  readonly generation?: number | undefined;
}

const INTEL = "GenuineIntel";
const AMD = "AuthenticAMD";

/** name < parents | vendor, if it has one | features beyond the parents' | ARM part or POWER generation */
const TABLE = `
x86_64
x86_64_v2 < x86_64 | | cx16 lahf_lm mmx sse sse2 ssse3 sse4_1 sse4_2 popcnt
x86_64_v3 < x86_64_v2 | | avx avx2 bmi1 bmi2 f16c fma abm movbe xsave
x86_64_v4 < x86_64_v3 | | avx512f avx512bw avx512cd avx512dq avx512vl
nocona < x86_64 | ${INTEL} | mmx sse sse2
core2 < nocona | ${INTEL} | ssse3
nehalem < core2 x86_64_v2 | ${INTEL}
westmere < nehalem | ${INTEL} | aes pclmulqdq
sandybridge < westmere | ${INTEL} | avx
ivybridge < sandybridge | ${INTEL} | rdrand f16c
haswell < ivybridge x86_64_v3 | ${INTEL}
broadwell < haswell | ${INTEL} | rdseed adx
skylake < broadwell | ${INTEL} | clflushopt xsavec xsaveopt
mic_knl < broadwell | ${INTEL} | avx512f avx512pf avx512er avx512cd
skylake_avx512 < skylake x86_64_v4 | ${INTEL} | clwb
cannonlake < skylake x86_64_v4 | ${INTEL} | avx512vbmi avx512ifma sha_ni
cascadelake < skylake_avx512 | ${INTEL} | avx512_vnni
icelake < cascadelake cannonlake | ${INTEL} | rdpid gfni avx512_vbmi2 avx512_vpopcntdq avx512_bitalg vpclmulqdq vaes
sapphirerapids < icelake | ${INTEL} | avx512_bf16 cldemote movdir64b movdiri serialize waitpkg amx_bf16 amx_tile amx_int8
alderlake < skylake | ${INTEL} | avx_vnni sha_ni clwb rdpid gfni vaes vpclmulqdq movdiri movdir64b serialize waitpkg
arrowlake < alderlake | ${INTEL} | avx_ifma avx_ne_convert avx_vnni_int8 cmpccxadd
arrowlake_s < arrowlake | ${INTEL} | avx_vnni_int16 sha512 sm3 sm4
k10 < x86_64 | ${AMD} | mmx sse sse2 sse4a abm cx16 3dnow 3dnowext
bulldozer < x86_64_v2 | ${AMD} | sse4a xsave abm avx xop fma4 aes pclmulqdq
piledriver < bulldozer | ${AMD} | bmi1 f16c fma tbm
steamroller < piledriver | ${AMD} | fsgsbase
excavator < steamroller x86_64_v3 | ${AMD}
zen < x86_64_v3 | ${AMD} | fsgsbase rdseed clzero aes pclmulqdq sse4a xsavec xsaveopt clflushopt
zen2 < zen | ${AMD} | clwb
zen3 < zen2 | ${AMD} | vaes vpclmulqdq pku
zen4 < zen3 x86_64_v4 | ${AMD} | gfni flush_l1d avx512ifma avx512_bf16 avx512vbmi avx512_vbmi2 avx512_vnni avx512_bitalg avx512_vpopcntdq
zen5 < zen4 | ${AMD} | avx512_vp2intersect avx_vnni movdir64b movdiri tsc_adjust
ppc64
power7 < ppc64 | IBM | | 7
power8 < power7 | IBM | | 8
power9 < power8 | IBM | | 9
power10 < power9 | IBM | | 10
ppc64le
power8le < ppc64le | IBM | | 8
power9le < power8le | IBM | | 9
power10le < power9le | IBM | | 10
aarch64
armv8.1a < aarch64
armv8.2a < armv8.1a
armv8.3a < armv8.2a
armv8.4a < armv8.3a
armv8.5a < armv8.4a
armv8.6a < armv8.5a
armv9.0a < armv8.5a
armv9.2a < armv9.0a armv8.6a
thunderx2 < armv8.1a | Cavium | fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics cpuid asimdrdm | 0x0af
a64fx < armv8.2a | Fujitsu | fp asimd evtstrm sha1 sha2 crc32 atomics cpuid asimdrdm fphp asimdhp fcma dcpop sve | 0x001
cortex_a72 < aarch64 | ARM | fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid | 0xd08
neoverse_n1 < cortex_a72 armv8.2a | ARM | atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp | 0xd0c
neoverse_v1 < neoverse_n1 armv8.4a | ARM | jscvt fcma sha3 sha512 sve asimdfhm dit uscat ilrcpc flagm dcpodp svei8mm svebf16 i8mm bf16 dgh rng | 0xd40
neoverse_v2 < neoverse_n1 armv9.0a | ARM | jscvt fcma sha3 sha512 sve asimdfhm uscat ilrcpc flagm sb dcpodp sve2 flagm2 frint svei8mm svebf16 i8mm bf16 | 0xd4f
neoverse_n2 < neoverse_n1 armv9.0a | ARM | jscvt fcma sha3 sha512 sve asimdfhm uscat ilrcpc flagm sb dcpodp sve2 flagm2 frint svei8mm svebf16 i8mm bf16 | 0xd49
neoverse_v3ae < neoverse_v2 armv9.2a | ARM | afp bti dgh dit ecv paca pacg sm3 sm4 sveaes svebitperm svepmull svesha3 svesm4 wfxt | 0xd83
ampere1 < neoverse_n1 armv8.6a | Ampere | jscvt fcma sha3 sha512 asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg dcpodp flagm2 frint i8mm bf16 rng bti ecv | 0xac3
ampere1a < ampere1 | Ampere | sm3 sm4 | 0xac4
m1 < armv8.4a | Apple | fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop sha3 asimddp sha512 asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg dcpodp flagm2 frint | 0x022
m2 < m1 armv8.5a | Apple | ecv bf16 i8mm bti | 0x032
m3 < m2 armv8.6a | Apple
m4 < m3 armv8.6a | Apple | sme sme2
riscv64
u74mc < riscv64 | SiFive
x60 < riscv64 | SpacemiT
`;

/** By name, ancestors before descendants. */
export const MICROARCHITECTURES: ReadonlyMap<string, Microarchitecture> = parseTable(TABLE);

function parseTable(table: string): Map<string, Microarchitecture> {
  const known = new Map<string, Microarchitecture>();
  for (const line of table.trim().split("\n")) {
    const [names = "", vendor = "", features = "", number] = line.split("|").map((field) => field.trim());
    const [name = "", parents = ""] = names.split("<").map((field) => field.trim());
    const above = wordsOf(parents).flatMap((parent) => known.get(parent) ?? []);
    known.set(name, {
      name,
      vendor,
      ancestors: new Set(above.flatMap((one) => [one.name, ...one.ancestors])),
      features: new Set([...above.flatMap((one) => [...one.features]), ...wordsOf(features)]),
      part: number?.startsWith("0x") ? number : undefined,
      generation: number === undefined || number.startsWith("0x") ? undefined : Number(number),
    });
  }
  return known;
}

function wordsOf(text: string): string[] {
  return text === "" ? [] : text.split(" ");
}

/** What a machine says of its processor. */
export interface Processor {
  /** The generic target: `x86_64`, `aarch64`, `ppc64le`, … */
  readonly family: string;
  readonly vendor: string;
  readonly features: ReadonlySet<string>;
  readonly part?: string | undefined;
  readonly generation?: number | undefined;
  /** The target itself, where the machine says no more and no less. */
  readonly model?: string | undefined;
}

/** The most specific target whose programs a processor runs; the family itself if nothing more is known. */
export function targetOf(processor: Processor): string {
  const { family, part } = processor;
  const fitting = [...MICROARCHITECTURES.values()].filter((target) => runs(processor, target));
  const generic = mostSpecific(fitting.filter(({ vendor }) => vendor === ""));
  if (generic === undefined) return family;
  const ofPart = fitting.filter((target) => part !== undefined && target.part === part);
  // What a processor lacks of its own model may be switched off; then the generic target is the better one.
  const candidates = ofPart.length > 0 ? ofPart : fitting;
  return (mostSpecific(candidates.filter(({ ancestors }) => ancestors.has(generic.name))) ?? generic).name;
}

/** How specific a target is: greater for those further from the family. */
export function depthOf(target: string): number {
  const known = MICROARCHITECTURES.get(target);
  return known === undefined ? 0 : known.ancestors.size * 1000 + known.features.size;
}

function mostSpecific(targets: readonly Microarchitecture[]): Microarchitecture | undefined {
  return targets.toSorted((a, b) => depthOf(b.name) - depthOf(a.name))[0];
}

function runs(processor: Processor, target: Microarchitecture): boolean {
  const { family, vendor, features, generation, model } = processor;
  if (target.name !== family && !target.ancestors.has(family)) return false;
  if (target.name === family) return true;
  if (model !== undefined)
    return target.name === model || MICROARCHITECTURES.get(model)?.ancestors.has(target.name) === true;
  if (target.generation !== undefined) return target.generation <= (generation ?? 0);
  // A processor doesn't say which version of the ARM architecture it has.
  if (target.vendor === "" && family === "aarch64") return false;
  if (target.vendor !== "" && target.vendor !== vendor) return false;
  if (target.features.size === 0) return target.vendor === "";
  return [...target.features].every((feature) => features.has(feature));
}
