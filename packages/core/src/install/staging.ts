/** The folder of a store that is spkoci's own: packages are unpacked there before they appear at their prefixes. */
export const STAGING = ".spkoci";
