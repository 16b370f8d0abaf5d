export enum Plan {
  Free = 'free',
  Certificate = 'certificate',
}

/** A user's seat in a course. */
export interface Enrolment {
  readonly courseId: string;
  readonly userId: string;
  readonly plan: Plan;
  started: boolean;
}
