import type { EventStats } from 'nestjs-event-tracking';

/** What an account does not explain of the events that arrived: nothing, if it balances. */
export function balanceOf({
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
