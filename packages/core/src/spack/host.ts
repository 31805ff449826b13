import { readFile } from "node:fs/promises";
import { cpus, machine, platform, release } from "node:os";
import type { Architecture } from "./concrete-spec.js";
import { type Libc, readLibc } from "./libc.js";
import { MICROARCHITECTURES, type Processor, targetOf } from "./microarchitecture.js";
import { linuxName, macName, macVersion } from "./operating-system.js";
import { macProcessor, parseCpuInfo } from "./processor.js";

/** A machine in Spack's words. */
export interface Host extends Architecture {
  /** Every target whose programs run here, the host's own among them. */
  readonly targets: ReadonlySet<string>;
  readonly processor: Processor;
  readonly libc?: Libc | undefined;
}

/** What a machine says of itself. */
export interface HostFacts {
  /** `linux`, `darwin`, as Node's os.platform(). */
  readonly platform: string;
  /** `x86_64`, as `uname -m`. */
  readonly machine: string;
  /** Version of the kernel. */
  readonly release: string;
  /** Name of the first processor. */
  readonly processorName: string;
  /** Texts of /etc/os-release, /etc/debian_version and /proc/cpuinfo; empty where there are none. */
  readonly osRelease: string;
  readonly debianVersion: string;
  readonly cpuInfo: string;
  readonly libc?: Libc | undefined;
}

/** The machine that this process runs on. */
export async function readHost(): Promise<Host> {
  const [osRelease, debianVersion, cpuInfo, libc] = await Promise.all([
    readIfAny("/etc/os-release").then((text) => text || readIfAny("/usr/lib/os-release")),
    readIfAny("/etc/debian_version"),
    readIfAny("/proc/cpuinfo"),
    readLibc(machine()),
  ]);
  const processorName = cpus()[0]?.model ?? "";
  const kernel = { platform: platform(), machine: machine(), release: release() };
  return describeHost({ ...kernel, processorName, osRelease, debianVersion, cpuInfo, libc });
}

export function describeHost(facts: HostFacts): Host {
  const isMac = facts.platform === "darwin";
  const processor = isMac
    ? macProcessor(facts.processorName, macVersion(facts.release))
    : parseCpuInfo(facts.cpuInfo, facts.machine);
  const target = targetOf(processor);
  return {
    platform: facts.platform,
    os: isMac ? macName(macVersion(facts.release)) : osNameOf(facts),
    target,
    family: processor.family,
    targets: new Set([target, ...(MICROARCHITECTURES.get(target)?.ancestors ?? [])]),
    processor,
    libc: facts.libc,
  };
}

function osNameOf({ platform, release, osRelease, libc, debianVersion }: HostFacts): string {
  if (platform !== "linux") return `${platform}${Number.parseInt(release, 10)}`;
  return linuxName(osRelease, libc?.version, debianVersion);
}

async function readIfAny(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
