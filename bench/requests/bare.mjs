/** Nest as it comes. */
export const imports = [];
