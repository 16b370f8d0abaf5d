export enum Plan {
  Free = 'free',
  Certificate = 'certificate',
}

/** Somebody's seat in a course. */
export interface Enrolment {
  readonly courseId: string;
  readonly userId: string;
  readonly plan: Plan;
  started: boolean;
}
