import { textOf } from './text-of.js';

/** The parts of an event that the demo compares. */
export interface ComparedEvent {
  readonly name: string;
  /** The backends that received the event, each as `tracker path`. */
  readonly to: readonly string[];
  readonly context: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Returns one line for each difference between the expected and the delivered events. */
export function compareEvents(
  expected: readonly ComparedEvent[],
  delivered: readonly ComparedEvent[],
): string[] {
  const unmatched = [...delivered];
  const differences: string[] = [];
  for (const event of expected) {
    const index = unmatched.findIndex((other) => subjectOf(other) === subjectOf(event));
    if (index < 0) {
      differences.push(`missing      ${subjectOf(event)} → ${event.to.join(', ')}`);
      continue;
    }
    const [other] = unmatched.splice(index, 1);
    for (const difference of differencesOf(event, other!)) {
      differences.push(`different    ${subjectOf(event)}: ${difference}`);
    }
  }
  for (const event of unmatched) {
    differences.push(`unexpected   ${subjectOf(event)} → ${event.to.join(', ')}`);
  }
  return differences;
}

/** Identifies an event by its name and its request or user. */
function subjectOf({ name, context }: ComparedEvent): string {
  return `${name} of ${textOf(context['request_id'] ?? context['user_id'])}`;
}

function differencesOf(expected: ComparedEvent, delivered: ComparedEvent): string[] {
  const wanted = fieldsOf(expected);
  const given = fieldsOf(delivered);
  return [...new Set([...wanted.keys(), ...given.keys()])]
    .filter((field) => wanted.get(field) !== given.get(field))
    .map(
      (field) =>
        `${field}: ${given.get(field) ?? 'not there'}, expected ${wanted.get(field) ?? 'nothing'}`,
    );
}

function fieldsOf({ to, context, data }: ComparedEvent): Map<string, string> {
  return new Map([
    ['destinations', to.join(', ') || 'nobody'],
    ...Object.entries(context).map(
      ([key, value]) => [`context.${key}`, JSON.stringify(value)] as const,
    ),
    ...Object.entries(data).map(([key, value]) => [`data.${key}`, JSON.stringify(value)] as const),
  ]);
}
