const WATCHED = Symbol.for('event-tracking:exit');

/** Learns that the process exits; the same in every copy of the package. */
export interface ExitObserver {
  /** Called synchronously while the process exits. */
  onExit(): void;
}

type Observers = Set<WeakRef<ExitObserver>>;

interface WatchedProcess {
  on?(event: 'exit', listener: () => void): void;
  [WATCHED]?: Observers;
}

const collected = new FinalizationRegistry<() => void>((forget) => forget());

/**
 * Tells an observer when the process exits; it may be garbage-collected before.
 *
 * @remarks All observers of a process share one listener. Does nothing on platforms without processes.
 * @returns a function that ends the observation
 */
export function watchExit(observer: ExitObserver): () => void {
  const observers = observersOf((globalThis as { process?: WatchedProcess }).process);
  if (observers === undefined) return () => {};
  const reference = new WeakRef(observer);
  const forget = (): void => void observers.delete(reference);
  observers.add(reference);
  collected.register(observer, forget);
  return forget;
}

/** The process itself holds them: several realms can share one. */
function observersOf(process: WatchedProcess | undefined): Observers | undefined {
  if (typeof process?.on !== 'function') return undefined;
  const existing = process[WATCHED];
  if (existing !== undefined) return existing;
  const observers: Observers = new Set();
  Object.defineProperty(process, WATCHED, { value: observers });
  process.on('exit', () => {
    for (const reference of observers) reference.deref()?.onExit();
  });
  return observers;
}
