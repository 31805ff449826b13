import type { RegistryAccess } from "../registry/access.js";

/** What is copied, from where to where. Only `source` and `target` are needed. */
export interface CopyOptions {
  /** `ghcr.io/org/cache`, `oci://…`, `oci+http://…`, `oci:DIR` or `oci-archive:FILE`. */
  readonly source: string;
  /** The same. A folder or file is made if it doesn't exist. */
  readonly target: string;
  /** Packages in Spack's syntax: all that match any of them, with their link and run dependencies. Without one, every package. */
  readonly queries?: readonly string[] | undefined;
  /** Only what matches. */
  readonly noDeps?: boolean | undefined;
  /** Images under other tags than packages have. */
  readonly tags?: readonly string[] | undefined;
  /** Every image under such a tag. */
  readonly allTags?: boolean | undefined;
  /** Name in the target's index what it has got; true unless told. */
  readonly updateIndex?: boolean | undefined;
  /** How both are reached, if they are registries. */
  readonly access?: RegistryAccess | undefined;
  /** Packages, and transfers, at once. */
  readonly jobs?: number | undefined;
}
