/** Name and version for User-Agent, unless `RegistryAccess.userAgent` says otherwise. The version is that of package.json. */
export const PRODUCT = "spkoci/0.1.0";
