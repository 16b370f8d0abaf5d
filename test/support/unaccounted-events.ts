import type { EventStats } from 'nestjs-event-tracking';

/** Returns the number of arrived events that the stats do not account for; 0 if they balance. */
export function unaccountedEvents({
  arrived,
  delivered,
  filtered,
  dropped,
  dead,
  pending,
}: EventStats): number {
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return arrived - delivered - filtered - lost - dead - pending;
}
