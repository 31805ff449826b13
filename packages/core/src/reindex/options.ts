import type { RegistryAccess } from "../registry/access.js";

export interface UpdateIndexOptions {
  /** `ghcr.io/org/cache`, `oci://HOST/PATH`, `oci+http://HOST/PATH` or `oci:DIR`. */
  readonly source: string;
  readonly access: RegistryAccess;
  /** Read every package again, and replace what the index says of it. */
  readonly full?: boolean | undefined;
  /** Write nothing. */
  readonly dryRun?: boolean | undefined;
  /** Packages that are read at once; 16 unless told. The limits of `access` hold beside it. */
  readonly jobs?: number | undefined;
  /** Packages after which the index is written, before all are read; 1,000 unless told, and more where the index is large. */
  readonly checkpoint?: number | undefined;
}
