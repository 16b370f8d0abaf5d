import { CONTENT, type ContractContent } from './contract-content.js';
import { contractEvent, contractEvents } from './contract-events.js';
import type { ContractClause } from './contract-clause.js';
import { contractRecord } from './contract-record.js';
import { expectAlike } from './expect-same.js';
import type { QueueHarness } from './queue-harness.js';

const OF_QUEUES: readonly ContractContent[] = [
  {
    what: 'dates as dates, and what only looks like one as it is',
    events: () => [
      contractEvent({
        data: {
          at: new Date(5),
          inside: [{ at: new Date(6) }],
          text: '1970-01-01T00:00:00.005Z',
          $date: '1970-01-01T00:00:00.005Z',
          wrapped: { $date: 'no date', $plain: { $plain: 1 } },
        },
        context: { user_id: 7, since: new Date(7) },
      }),
    ],
  },
  {
    what: 'whatever else an event carries',
    events: () => [{ ...contractEvent(), name_id: 'a', context_type_id: 'b' } as never],
  },
];

/** What comes out is what went in. */
export const handedOverContent: readonly ContractClause<QueueHarness>[] = [
  ...CONTENT,
  ...OF_QUEUES,
].map(({ what, events }) => ({
  name: `hands over ${what}`,
  async attempt(bench) {
    const node = await bench.node();
    const sent = events();
    node.send(sent);
    await bench.flush(node);
    await bench.expectHandedOver([node], sent);
  },
}));

/** What is known of the events' types comes out too. */
export const handsOverRecords: ContractClause<QueueHarness> = {
  name: 'hands over a metadata record as it was, at its node',
  async attempt(bench) {
    const queue = await bench.queue();
    const [node, other] = [
      await bench.node({ queue }),
      await bench.node({ queue, place: { tracker: 'default', path: 'without_records' } }),
    ];
    const record = contractRecord();
    await bench.within('register(record)', () => node.register(record));
    const events = contractEvents(3);
    node.send(events);
    await bench.flush(node);
    await bench.expectHandedOver([node], events);
    await bench.until(
      () => node.registered.length > 0,
      () => 'The metadata record was sent and not handed over.',
    );
    const found = node.registered[0]!;
    expectAlike(found, record, 'The metadata record is handed over otherwise than it was sent');
    if (other.registered.length > 0) {
      throw new Error('The metadata record was handed over at another node too.');
    }
  },
};
