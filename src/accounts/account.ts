/** Somebody who may use the API. */
export interface Account {
  readonly id: string;
  /** Works for the platform, and tries things out. */
  readonly internal: boolean;
  /** Wants to hear from the newsletter. */
  readonly newsletter: boolean;
}
