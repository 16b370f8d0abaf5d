import { CONTENT, type ContractContent } from './contract-content.js';
import { contractEvent, contractEvents } from './contract-samples.js';
import type { ContractClause } from './contract-clause.js';
import { contractRecord } from './contract-samples.js';
import { expectAlike } from './expect-same.js';
import type { QueueHarness } from './queue-harness.js';

const OF_QUEUES: readonly ContractContent[] = [
  {
    content: 'dates as dates, and lookalikes of dates unchanged',
    events: () => [
      contractEvent({
        data: {
          at: new Date(5),
          inside: [{ at: new Date(6) }],
          text: '1970-01-01T00:00:00.005Z',
          $date: '1970-01-01T00:00:00.005Z',
          wrapped: { $date: 'not a date', $plain: { $plain: 1 } },
        },
        context: { user_id: 7, since: new Date(7) },
      }),
    ],
  },
  {
    content: 'all further properties of an event',
    events: () => [{ ...contractEvent(), name_id: 'a', context_type_id: 'b' } as never],
  },
];

/** Events pass through the queue unchanged. */
export const deliversContent: readonly ContractClause<QueueHarness>[] = [
  ...CONTENT,
  ...OF_QUEUES,
].map(({ content, events }) => ({
  name: `delivers ${content}`,
  async verify(harness) {
    const node = await harness.node();
    const sent = events();
    node.send(sent);
    await harness.flush(node);
    await harness.expectDelivered([node], sent);
  },
}));

/** Metadata records pass through the queue, too. */
export const deliversRecords: ContractClause<QueueHarness> = {
  name: 'delivers a metadata record unchanged to its own node',
  async verify(harness) {
    const queue = await harness.queue();
    const [node, other] = [
      await harness.node({ queue }),
      await harness.node({ queue, position: { tracker: 'default', path: 'without_records' } }),
    ];
    const record = contractRecord();
    await harness.within('register(record)', () => node.register(record));
    const events = contractEvents(3);
    node.send(events);
    await harness.flush(node);
    await harness.expectDelivered([node], events);
    await harness.until(
      () => node.registered.length > 0,
      () => 'The metadata record was sent but not delivered.',
    );
    const found = node.registered[0]!;
    expectAlike(found, record, 'The metadata record was not delivered as sent');
    if (other.registered.length > 0) {
      throw new Error('The metadata record was also delivered to another node.');
    }
  },
};
