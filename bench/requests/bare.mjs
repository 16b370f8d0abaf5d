/** Nest without additions. */
export const imports = [];
