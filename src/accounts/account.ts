/** A user of the API. */
export interface Account {
  readonly id: string;
  /** Whether the user works for the platform. */
  readonly internal: boolean;
  /** Whether the user subscribed to the newsletter. */
  readonly newsletter: boolean;
}
