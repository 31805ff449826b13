import type { Digest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { type CacheSource, openSources } from "../catalog/cache-source.js";
import { openLocation } from "../location/open-location.js";
import { parseLocation } from "../location/parse-location.js";
import { formatRepository } from "../oci/reference.js";
import type { RegistryAccess } from "../registry/access.js";
import { GitHubPackages, type GitHubVersion, isOfGitHub } from "../registry/github-packages.js";
import { BlobFolder } from "../store/blob-folder.js";
import { IndexFile } from "../store/index-file.js";
import { LayoutIndex, tagOf } from "../store/layout-index.js";
import type { WrittenAt } from "./age.js";
import type { PruneOptions } from "./options.js";
import type { SurveyOptions } from "./survey.js";

/** The cache that is pruned, and what can be known and done there beyond a Store. */
export interface PrunePlace {
  readonly source: CacheSource;
  readonly survey: SurveyOptions;
  readonly writtenAt: WrittenAt;
  /** Of an OCI layout. */
  readonly folder: string | undefined;
  /** For a repository that is pruned by GitHub's API. */
  readonly gitHub:
    | { readonly packages: GitHubPackages; readonly versions: ReadonlyMap<Digest, GitHubVersion> }
    | undefined;
}

const DEFAULT_JOBS = 8;

/**
 * Opens the cache; GitHub is asked for its versions.
 * @throws SpkociError INVALID_REFERENCE, IMAGE_NOT_FOUND; INVALID_ARGUMENT for an archive; as GitHubPackages does
 */
export async function openPlace(options: PruneOptions, op: Op): Promise<PrunePlace> {
  const access: RegistryAccess = options.access ?? {};
  const location = parseLocation(options.target);
  // What is written as a whole is refused here.
  if (location.kind === "archive") await openLocation(location, access, "write", op);
  const [source] = await openSources([options.target], access);
  if (source === undefined) throw new SpkociError("INTERNAL", "no source was opened");
  const jobs = options.jobs ?? DEFAULT_JOBS;
  const common = { source, folder: undefined, gitHub: undefined };
  if (location.kind === "layout") {
    const { folder } = location;
    const { all } = await new LayoutIndex(new IndexFile(folder)).entries();
    const untagged = all.filter((entry) => tagOf(entry) === undefined).map(({ digest }) => digest);
    const blobs = new BlobFolder(folder);
    const survey = { source, untagged, jobs };
    return { ...common, survey, folder, writtenAt: (digest) => blobs.writtenAt(digest) };
  }
  const survey = { source, untagged: [], jobs };
  if (location.kind !== "registry" || !isOfGitHub(location.repository, options.gitHub)) {
    return { ...common, survey, writtenAt: async () => undefined };
  }
  const name = formatRepository(location.repository);
  op.emit?.({ type: "step", step: "github", message: `Asking GitHub for the versions of ${name}` });
  const packages = await GitHubPackages.open(location.repository, access, options.gitHub);
  const versions = new Map((await packages.listVersions(op)).map((version) => [version.digest, version]));
  const untagged = [...versions.values()].filter(({ tags }) => tags.length === 0).map(({ digest }) => digest);
  return {
    ...common,
    survey: { ...survey, untagged },
    gitHub: { packages, versions },
    writtenAt: async (digest) => versions.get(digest)?.updatedAt,
  };
}
