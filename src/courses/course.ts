/** A course with seats to enrol in. */
export interface Course {
  readonly id: string;
  readonly title: string;
  readonly seats: number;
  taken: number;
  open: boolean;
}
