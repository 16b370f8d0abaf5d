/** Thrown if the command line is invalid. The command then exits with code 2. */
export class UsageError extends Error {}
