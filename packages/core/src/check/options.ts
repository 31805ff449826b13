import type { RegistryAccess } from "../registry/access.js";
import type { CheckLevel } from "./finding-codes.js";

export interface CheckOptions {
  /** `ghcr.io/org/cache`, `oci://…`, `oci+http://…` or `oci:DIR`. */
  readonly source: string;
  /** Specs as Spack writes them: only packages that one of them matches are checked, and nothing else. Everything if there are none. */
  readonly specs?: readonly string[] | undefined;
  /** `blobs` unless told. */
  readonly level?: CheckLevel | undefined;
  /** Mend the index. It takes the level `manifests` at least. */
  readonly repair?: boolean | undefined;
  /** Images and blobs that are read at once. 8 unless told. */
  readonly jobs?: number | undefined;
  readonly access?: RegistryAccess | undefined;
}
