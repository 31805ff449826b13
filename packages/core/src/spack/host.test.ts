import { mkdir, symlink, writeFile } from "node:fs/promises";
import { machine } from "node:os";
import { join } from "node:path";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { describeHost, type HostFacts, readHost } from "./host.js";
import { readLibc } from "./libc.js";
import { MICROARCHITECTURES } from "./microarchitecture.js";
import { linuxName, macName, macVersion } from "./operating-system.js";

const V2 = "cx16 lahf_lm mmx sse sse2 ssse3 sse4_1 sse4_2 popcnt";
const V3 = `${V2} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave`;
const ZEN2 = `${V3} fsgsbase rdseed clzero aes pclmulqdq sse4a xsavec xsaveopt clflushopt clwb rdpid sha_ni`;
const HASWELL = `${V3} aes pclmulqdq rdrand`;
const SKYLAKE_X = `${HASWELL} rdseed adx clflushopt xsavec xsaveopt clwb avx512f avx512bw avx512cd avx512dq avx512vl`;
const N1 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs";

const x86 = (vendor: string, flags: string): string =>
  `processor\t: 0\nvendor_id\t: ${vendor}\nflags\t\t: fpu ${flags}\npower management:\n\nprocessor\t: 1\nflags\t\t: fpu\n`;
const arm = (implementer: string, part: string, features: string): string =>
  `processor\t: 0\nFeatures\t: ${features}\nCPU implementer\t: ${implementer}\nCPU part\t: ${part}\n\n`;

const linux: HostFacts = {
  platform: "linux",
  machine: "x86_64",
  release: "6.1.0",
  processorName: "",
  osRelease: 'ID=debian\nVERSION_ID="12"\n',
  debianVersion: "12.5",
  cpuInfo: "",
};

describe("describeHost", () => {
  it.each([
    ["x86_64", x86("AuthenticAMD", ZEN2), "zen2"],
    ["x86_64", x86("AuthenticAMD", `${ZEN2} vaes vpclmulqdq pku`), "zen3"],
    ["x86_64", x86("GenuineIntel", HASWELL), "haswell"],
    ["x86_64", x86("GenuineIntel", SKYLAKE_X), "skylake_avx512"],
    // A maker without targets of its own, and features that fit another maker's.
    ["x86_64", x86("CentaurHauls", HASWELL), "x86_64_v3"],
    // AES is switched off: the generic target is better than sandybridge, let alone nehalem.
    ["x86_64", x86("GenuineIntel", V3), "x86_64_v3"],
    ["x86_64", x86("GenuineIntel", "mmx sse sse2"), "nocona"],
    ["x86_64", "", "x86_64"],
    ["aarch64", arm("0x41", "0xd0c", N1), "neoverse_n1"],
    ["aarch64", arm("0x41", "0xd08", "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"), "cortex_a72"],
    ["aarch64", arm("0x51", "0x802", N1), "aarch64"],
    ["ppc64le", "processor\t: 0\ncpu\t\t: POWER9 (raw), altivec supported\n", "power9le"],
    ["ppc64le", "processor\t: 0\nvendor_id\t: GenuineIntel\n", "ppc64le"],
    ["riscv64", "processor\t: 0\nuarch\t\t: sifive,u74-mc\n", "u74mc"],
    ["riscv64", "processor\t: 0\nuarch\t\t: other\n", "riscv64"],
    ["s390x", "vendor_id : IBM/S390\n", "s390x"],
  ])("on %s names the target of a processor", (name, cpuInfo, target) => {
    const host = describeHost({ ...linux, machine: name, cpuInfo });
    expect(host).toMatchObject({ platform: "linux", os: "debian12", target, family: name });
    expect(host.targets).toContain(target);
  });

  it("knows which targets run on a processor", () => {
    const host = describeHost({ ...linux, cpuInfo: x86("GenuineIntel", SKYLAKE_X) });
    for (const target of ["skylake_avx512", "skylake", "haswell", "x86_64_v4", "x86_64"]) {
      expect(host.targets).toContain(target);
    }
    for (const target of ["cascadelake", "zen", "aarch64", "mic_knl"]) expect(host.targets).not.toContain(target);
  });

  it.each([
    ["Apple M1 Pro", "arm64", "21.6.0", "m1", "monterey"],
    ["Apple M3", "arm64", "24.0.0", "m3", "sequoia"],
    ["Apple M99", "arm64", "25.0.0", "m4", "tahoe"],
    // Under Rosetta the machine says x86_64.
    ["Apple M2", "x86_64", "23.1.0", "m2", "sonoma"],
    ["Intel(R) Core(TM) i7-7700K CPU @ 4.20GHz", "x86_64", "22.0.0", "skylake", "ventura"],
    ["Intel(R) Core(TM) i5-3210M CPU @ 2.50GHz", "x86_64", "19.6.0", "ivybridge", "catalina"],
  ])("on a Mac with %s of %s and Darwin %s", (processorName, name, release, target, os) => {
    const mac = { ...linux, platform: "darwin", machine: name, release, processorName, osRelease: "" };
    expect(describeHost(mac)).toMatchObject({ platform: "darwin", target, os });
  });
});

describe("readHost", () => {
  it("describes this machine", async () => {
    const host = await readHost();
    expect(host.platform).toBe(process.platform);
    expect(MICROARCHITECTURES.get(host.family)?.name).toBe(host.family);
    expect(host.os).toMatch(/^[a-z]+[\w.]*$/);
  });
});

describe("MICROARCHITECTURES", () => {
  it("leads from every target to a family, features included", () => {
    const families = ["x86_64", "ppc64", "ppc64le", "aarch64", "riscv64"];
    expect(MICROARCHITECTURES.size).toBeGreaterThan(60);
    for (const { name, ancestors } of MICROARCHITECTURES.values()) {
      expect([name, families.filter((family) => name === family || ancestors.has(family)).length]).toEqual([name, 1]);
    }
    expect(MICROARCHITECTURES.get("icelake")?.ancestors).toContain("x86_64_v4");
    expect(MICROARCHITECTURES.get("icelake")?.features).toContain("popcnt");
  });
});

describe("linuxName", () => {
  it.each([
    ['ID=ubuntu\nVERSION_ID="24.04"', "ubuntu24.04"],
    ['ID="rhel"\nVERSION_ID="9.4"', "rhel9"],
    ["ID='rocky'\nVERSION_ID='8.10'", "rocky8"],
    ['ID="ol"\nVERSION_ID="8.9"', "oracle8"],
    ['ID="opensuse-leap"\nVERSION_ID="15.6"', "opensuse15"],
    ['ID="sles"\nVERSION_ID="15.5"', "sles15"],
    ['ID="amzn"\nVERSION_ID="2023"', "amzn2023"],
    ["ID=alpine\nVERSION_ID=3.19.1", "alpine3"],
    ["ID=arch\nBUILD_ID=rolling", "arch"],
    ["ID=some-linux\nVERSION_ID=7", "some_linux7"],
    ["", "unknown"],
  ])("names the system of %j as Spack does", (osRelease, name) => {
    expect(linuxName(osRelease)).toBe(name);
  });

  it("takes the missing version from where Spack does", () => {
    expect(linuxName("ID=debian\n", undefined, "trixie/sid\n")).toBe("debiantrixie");
    expect(linuxName('ID="opensuse-tumbleweed"\nVERSION_ID="20240510"\n', "2.39")).toBe("opensusetumbleweed2.39");
  });
});

describe("macName", () => {
  it.each([
    ["19.6.0", "catalina"],
    ["20.1.0", "bigsur"],
    ["24.3.0", "sequoia"],
    ["25.0.0", "tahoe"],
    ["26.0.0", "macos27"],
  ])("names the macOS of Darwin %s", (kernel, name) => {
    expect(macName(macVersion(kernel))).toBe(name);
  });
});

describe("readLibc", () => {
  const GLIBC = "\0\x7fELF\0GNU C Library (Ubuntu GLIBC 2.39-0ubuntu8.4) stable release version 2.39.\nCopyright\0";

  it("finds glibc beside the loader that programs name, through links", () =>
    withTemporaryFolder(async (top) => {
      await mkdir(join(top, "usr/lib/x86_64-linux-gnu"), { recursive: true });
      await symlink("usr/lib", join(top, "lib"));
      await mkdir(join(top, "lib64"));
      await writeFile(join(top, "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"), "");
      await symlink("../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", join(top, "lib64/ld-linux-x86-64.so.2"));
      await writeFile(join(top, "usr/lib/x86_64-linux-gnu/libc.so.6"), GLIBC);
      expect(await readLibc("x86_64", top)).toEqual({ name: "glibc", version: "2.39" });
      expect(await readLibc("aarch64", top)).toBeUndefined();
    }));

  it("finds musl where glibc isn't", () =>
    withTemporaryFolder(async (top) => {
      await mkdir(join(top, "lib"));
      await writeFile(join(top, "lib/ld-musl-x86_64.so.1"), "\x7fELF\0\x001.2.4\0musl libc (x86_64)\n");
      expect(await readLibc("x86_64", top)).toEqual({ name: "musl", version: "1.2.4" });
    }));

  it("knows nothing of files that say nothing", () =>
    withTemporaryFolder(async (top) => {
      await mkdir(join(top, "lib/ld-musl-x86_64.so.1"), { recursive: true });
      expect(await readLibc("x86_64", top)).toBeUndefined();
    }));

  it("says of this machine what Node's own C library says", async () => {
    const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
    const { glibcVersionRuntime: version } = report.header;
    const libc = await readLibc(machine());
    expect(libc?.name === "glibc" ? libc.version : undefined).toBe(version);
  });
});
