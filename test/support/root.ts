import { fileURLToPath } from 'node:url';

/** Where the workspace is. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
