import { createRequire } from "node:module";

const manifest = createRequire(import.meta.url)("../../package.json") as { readonly version: string };

/** Name and version for User-Agent, unless `RegistryAccess.userAgent` says otherwise. */
export const PRODUCT: string = `spkoci/${manifest.version}`;
