import type { Delivery } from './watch-deliveries.js';

/** Merges the deliveries of the same event by several processes. */
export function joinDeliveries(
  watches: readonly { deliveries: readonly Delivery[] }[],
): Delivery[] {
  const joined = new Map<string, Delivery>();
  for (const delivery of watches.flatMap((watch) => watch.deliveries)) {
    const { id } = delivery.event;
    const backends = [...(joined.get(id)?.backends ?? []), ...delivery.backends].toSorted();
    joined.set(id, { ...delivery, backends });
  }
  return [...joined.values()];
}
