// Generated from package.json by tools/package-entries.mjs.
export const VERSION = '0.1.0';
