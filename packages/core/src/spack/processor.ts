import { MICROARCHITECTURES, type Processor } from "./microarchitecture.js";

/** Numbers of those who make ARM processors that have targets of their own. */
const ARM_VENDORS: Readonly<Record<string, string>> = {
  "0x41": "ARM",
  "0x43": "Cavium",
  "0x46": "Fujitsu",
  "0x61": "Apple",
  "0xc0": "Ampere",
};

/**
 * Reads the first processor of Linux's /proc/cpuinfo.
 * @param machine as `uname -m` has it
 */
export function parseCpuInfo(text: string, machine: string): Processor {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const at = line.indexOf(":");
    if (at < 0 && fields.size > 0) break;
    if (at >= 0) fields.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  const field = (name: string): string => fields.get(name) ?? "";
  const words = (name: string): Set<string> => new Set(field(name).split(/\s+/));
  switch (machine) {
    case "x86_64":
      return { family: machine, vendor: field("vendor_id"), features: words("flags") };
    case "aarch64": {
      const code = field("CPU implementer").toLowerCase();
      const vendor = ARM_VENDORS[code] ?? code;
      return { family: machine, vendor, features: words("Features"), part: fields.get("CPU part") };
    }
    case "ppc64":
    case "ppc64le": {
      const generation = Number(/POWER(\d+)/.exec(field("cpu"))?.[1] ?? 0);
      return { family: machine, vendor: "IBM", features: new Set(), generation };
    }
    case "riscv64":
      return {
        family: machine,
        vendor: "",
        features: new Set(),
        model: riscvModel(field("uarch"), field("model name")),
      };
    default:
      return { family: machine, vendor: "", features: new Set() };
  }
}

function riscvModel(uarch: string, name: string): string {
  if (uarch === "sifive,u74-mc") return "u74mc";
  return uarch === "spacemit,x60" || name === "Spacemit(R) X60" ? "x60" : "riscv64";
}

/**
 * A Mac's processor, from its name and the system's major version: Macs with Intel processors don't list features without a program
 * being run, but every system asks for a generation of them.
 */
export function macProcessor(name: string, macOs: number): Processor {
  const [, series] = /apple\s+m(\d+)/i.exec(name) ?? [];
  if (series !== undefined || /apple/i.test(name)) {
    const known = Math.min(Number(series ?? 1), newestOfApple());
    return { family: "aarch64", vendor: "Apple", features: new Set(), model: `m${known}` };
  }
  return {
    family: "x86_64",
    vendor: "GenuineIntel",
    features: new Set(),
    model: macOs >= 13 ? "skylake" : "ivybridge",
  };
}

function newestOfApple(): number {
  const ofApple = [...MICROARCHITECTURES.values()].filter(({ vendor }) => vendor === "Apple");
  return Math.max(...ofApple.map(({ name }) => Number(name.slice(1))));
}
