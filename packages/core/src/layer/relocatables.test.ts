import { describe, expect, it } from "vitest";
import type { FileEntry } from "./entries.js";
import { RelocatableScan, type Relocatables } from "./relocatables.js";

const needles = ["/opt/spack/zlib-1", "/opt/spack/bin/sbang", "/opt/spack"];

function found(files: Record<string, string>, links: Record<string, string> = {}): Relocatables {
  const scan = new RelocatableScan(needles);
  for (const [path, content] of Object.entries(files)) {
    const fileScan = scan.scanFile(fileEntry(path));
    fileScan?.update(Buffer.from(content, "latin1"));
    fileScan?.finish();
  }
  for (const [path, target] of Object.entries(links)) scan.addLink({ type: "symlink", name: path, path, target });
  return scan.found;
}

function fileEntry(path: string): FileEntry {
  return { type: "file", name: path, path, size: 1, mode: 0o644, mtimeNs: 0n, inode: 0n };
}

describe("RelocatableScan", () => {
  it("lists binaries whether or not they hold a prefix, and text only if it names one", () => {
    const files = {
      "lib/a.so": "\x7fELF\x02\x01\x01\0",
      "bin/b": "#!/opt/spack/bin/sbang\n",
      "bin/c": "#!/usr/bin/env sh\n",
      "share/d.bin": "\xff\0 /opt/spack/zlib-1",
    };
    expect(found(files)).toEqual({ binaries: ["lib/a.so"], textFiles: ["bin/b"], links: [] });
  });

  it("lists links with an absolute target below a prefix", () => {
    const links = {
      in: "/opt/spack/zlib-1/lib",
      out: "/etc/hostname",
      relative: "../opt/spack",
      deep: "/mnt/opt/spack",
    };
    expect(found({}, links).links).toEqual(["in"]);
  });

  it("lists nothing under .spack/, but files whose names begin alike", () => {
    const text = "prefix = /opt/spack/zlib-1";
    const { textFiles, links } = found({ ".spack/log": text, ".spackrc": text }, { ".spack/link": "/opt/spack/x" });
    expect(textFiles).toEqual([".spackrc"]);
    expect(links).toEqual([]);
  });
});
