// Generated from package.json by scripts/package-entries.mjs.
export const VERSION = '0.1.0';
