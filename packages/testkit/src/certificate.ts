import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { withTemporaryFolder } from "./temporary-folder.js";

/** PEM texts of a server's key and certificate, and of the authority that signed it. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

const run = promisify(execFile);

/** A new certificate for 127.0.0.1 and localhost, signed by a new authority. Needs `openssl`. */
export async function createCertificate(): Promise<Certificate> {
  return withTemporaryFolder(async (folder) => {
    const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    await openssl(
      "req",
      "-x509",
      ...newKey,
      "-days",
      "2",
      "-subj",
      "/CN=testkit authority",
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
    );
    await openssl(
      "req",
      ...newKey,
      "-subj",
      "/CN=localhost",
      "-addext",
      names,
      "-keyout",
      "key.pem",
      "-out",
      "request.pem",
    );
    await openssl(
      ...["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
      ...["-days", "2", "-copy_extensions", "copy", "-out", "cert.pem"],
    );
    const read = (name: string) => readFile(join(folder, name), "utf8");
    return { key: await read("key.pem"), cert: await read("cert.pem"), ca: await read("ca.pem") };
  });
}
