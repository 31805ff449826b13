/** What the user sets in the images' configs and annotations. */
export interface ImageSettings {
  /** Variables that win over the run environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly entrypoint?: readonly string[] | undefined;
  readonly cmd?: readonly string[] | undefined;
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** URL for the annotation org.opencontainers.image.source. */
  readonly source?: string | undefined;
}
