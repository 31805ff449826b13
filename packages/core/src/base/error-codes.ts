/**
 * Every error code of spkoci, with the exit code that the program ends with and one line of meaning.
 * docs/errors.md is generated from this table.
 */
export const ERROR_CODES = {
  INTERNAL: [1, "A defect of spkoci itself."],
  INVALID_ARGUMENT: [2, "An option or argument is wrong."],
  INVALID_REFERENCE: [2, "An image reference or location can't be parsed."],
  INVALID_CONFIG: [2, "A configuration file or SPKOCI_ variable is wrong."],
  UNKNOWN_PLATFORM: [2, "A platform has no name that OCI knows, or --platform can't be parsed."],
  UNSUPPORTED_COMPRESSION: [2, "This Node can't compress or decompress that way."],
  AMBIGUOUS_SPEC: [2, "A spec matches several packages."],
  STORE_NOT_FOUND: [3, "No Spack store was found."],
  DATABASE_INVALID: [3, "The store's database can't be read."],
  DATABASE_VERSION: [3, "The store's database has a version that spkoci doesn't read, or doesn't write."],
  ENVIRONMENT_INVALID: [3, "A Spack environment has no readable spack.lock."],
  SPEC_INVALID: [3, "A spec file can't be read, or is inconsistent."],
  DAG_HASH_MISMATCH: [3, "A spec's content doesn't have the DAG hash it claims."],
  PREFIX_MISSING: [3, "A package's install prefix doesn't exist."],
  PREFIX_INVALID: [3, "A prefix holds something that can't be put into a layer."],
  FILE_UNREADABLE: [3, "A file of a prefix can't be read."],
  FILE_CHANGED: [3, "A file changed while it was read."],
  HAS_DEPENDENTS: [3, "A package can't be removed, because installed packages need it."],
  SPACK_FAILED: [3, "The spack command failed."],
  SPEC_NOT_FOUND: [4, "No package matches a spec."],
  IMAGE_NOT_FOUND: [4, "A registry or folder doesn't have an image."],
  BLOB_NOT_FOUND: [4, "A registry or folder doesn't have a blob."],
  PLATFORM_NOT_FOUND: [4, "An image exists, but not for the platform."],
  AUTHENTICATION_REQUIRED: [5, "The registry wants credentials, or refuses those it got."],
  ACCESS_DENIED: [5, "The credentials are valid but don't allow this."],
  CREDENTIALS_UNREADABLE: [5, "A credential file or helper failed."],
  REGISTRY_UNREACHABLE: [6, "No connection to the registry, or it broke off."],
  REGISTRY_TLS: [6, "The registry's certificate isn't trusted."],
  REGISTRY_RATE_LIMITED: [6, "The registry asks to come back later."],
  REGISTRY_REJECTED: [6, "The registry refused a request."],
  REGISTRY_PROTOCOL: [6, "The registry's answer breaks the specification."],
  RETRIES_SPENT: [6, "Requests failed so often that the run has no retries left."],
  TAG_MOVED: [6, "Another writer moved a tag at the same time."],
  DELETE_UNSUPPORTED: [6, "The registry doesn't delete this way."],
  INDEX_BUSY: [6, "Other writers kept changing the cache's index at the same time."],
  DIGEST_MISMATCH: [7, "Content doesn't have the digest it should."],
  SIZE_MISMATCH: [7, "Content doesn't have the size it should."],
  DOCUMENT_INVALID: [7, "A manifest, config or index can't be read."],
  ARCHIVE_REFUSED: [7, "A layer or archive can't be read: it is damaged, or holds what it must not."],
  DOCUMENT_TOO_LARGE: [7, "A document is larger than spkoci accepts."],
  RELOCATION_TOO_LONG: [8, "A file has no room for a path of the new root."],
  RELOCATION_INVALID_BINARY: [8, "An ELF or Mach-O file is malformed, or of a kind that can't be edited."],
  RELOCATION_FAILED: [8, "A file of a package can't be relocated."],
  NO_SPACE: [9, "The disk is full."],
  LOCKED: [9, "Another process holds a lock and doesn't let go of it."],
  STORAGE_FAILED: [9, "A file or folder can't be read or written."],
  DEPENDENCY_FAILED: [10, "A dependency of this package failed, so the package can't be complete."],
  SOME_FAILED: [10, "Some packages failed; the others are done."],
  COMMAND_NOT_FOUND: [127, "The command to run isn't there, or can't be started."],
  INTERRUPTED: [130, "The run was stopped by a signal or by its caller."],
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** The program's exit code for an error code. */
export function exitCodeOf(code: ErrorCode): number {
  return ERROR_CODES[code][0];
}
