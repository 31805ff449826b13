import { about, CheckScene, describeFindings, SMALL_HASHES as HASHES, says, SMALL_TAGS as TAGS } from "@spkoci/testkit";

const scene = new CheckScene();

describeFindings(
  scene,
  ["index"],
  [
    {
      code: "INDEX_MISSING",
      what: "no index",
      damage: async () => void (await scene.cache.store.delete("index.spack")),
      finding: { tag: "index.spack" },
    },
    {
      code: "INDEX_UNREADABLE",
      what: "an index that is cut off",
      damage: async () => scene.cache.shortenBlob((await scene.cache.readManifest("index.spack")).layers[0].digest),
      finding: { tag: "index.spack", ...says(/should have \d+ bytes but has 20/) },
    },
    {
      code: "INDEX_UNREADABLE",
      what: "an index that is another document",
      damage: async () => scene.cache.writeManifest("index.spack", await scene.cache.readManifest(TAGS.greeter)),
      finding: { tag: "index.spack" },
    },
    {
      code: "RECORD_WITHOUT_TAG",
      what: "a package whose tag is gone",
      damage: async () => void (await scene.cache.store.delete(TAGS["greet-plugin"])),
      finding: { ...about("greet-plugin"), package: "greet-plugin@0.5" },
    },
    {
      code: "TAG_NOT_INDEXED",
      what: "a package without a record",
      damage: () =>
        scene.cache.changeIndex((installs) => {
          const { dependencies } = installs[HASHES["greet-plugin"]].spec;
          for (const { hash } of dependencies) installs[hash].ref_count -= 1;
          delete installs[HASHES["greet-plugin"]];
        }),
      finding: { ...about("greet-plugin"), ...says(/no record/) },
    },
    {
      code: "TAG_NOT_INDEXED",
      what: "a package that the index says is not there",
      damage: () =>
        scene.cache.changeIndex((installs) => {
          installs[HASHES.greeter].in_buildcache = false;
        }),
      finding: { ...about("greeter"), ...says(/says that the cache doesn't have it/) },
    },
    {
      code: "RECORD_INVALID",
      what: "a record without a name",
      damage: () =>
        scene.cache.changeIndex((installs) => {
          delete installs[HASHES.gmake].spec.name;
        }),
      finding: { hash: HASHES.gmake },
    },
    {
      code: "RECORD_SPEC_WRONG",
      what: "a record with another version",
      damage: () =>
        scene.cache.changeIndex((installs) => {
          installs[HASHES["compiler-wrapper"]].spec.version = "9";
        }),
      finding: { hash: HASHES["compiler-wrapper"], package: "compiler-wrapper@9", ...says(/DAG hash/) },
    },
    {
      code: "RECORD_SPEC_WRONG",
      what: "a rewritten record, whose hash can't be recomputed, with another variant",
      damage: () =>
        scene.cache.changeIndex((installs) => {
          const { spec } = installs[HASHES.greeter];
          spec.annotations.original_specfile_version = 4;
          spec.parameters.shiny = true;
        }),
      finding: { ...about("greeter"), ...says(/differs from the package's config in its parameters/) },
    },
    {
      code: "RECORD_MISSING",
      what: "a dependency without a record",
      damage: () =>
        scene.cache.changeIndex((installs) => {
          delete installs[HASHES.gmake];
        }),
      finding: { ...about("greeter"), ...says(/\/jbok2te/) },
      others: ["RECORD_MISSING", "RECORD_MISSING", "RECORD_MISSING"],
    },
    {
      code: "REF_COUNT_WRONG",
      what: "a wrong ref_count",
      damage: () =>
        scene.cache.changeIndex((installs) => {
          installs[HASHES.libgreet].ref_count = 7;
        }),
      finding: { ...about("libgreet"), ...says(/is 7, but the index has 1/) },
    },
  ],
);
