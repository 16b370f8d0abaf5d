import { describe, expect, it } from 'vitest';
import { runInTransaction } from '../context/running-transaction.js';
import { TransactionScope } from '../context/transaction-scope.js';
import { RoutingBackend } from '../tree/routing-backend.js';
import { EventPipeline } from './event-pipeline.js';

function pipelineInto(delivered: string[]): EventPipeline {
  const pipeline = new EventPipeline();
  const send = ({ name }: { name: string }): void => void delivered.push(name);
  pipeline.attach(new RoutingBackend({ backends: { delivered: { send } } }));
  return pipeline;
}

describe('The events that a transaction holds', () => {
  it('are passed with the client to the tracker before the commit', async () => {
    const delivered: string[] = [];
    const written: unknown[] = [];
    const pipeline = pipelineInto(delivered);
    pipeline.beforeCommit = async (events, client) => {
      written.push(client, ...events.map(({ event }) => event.name));
      await Promise.resolve();
    };
    const transaction = new TransactionScope({ client: 'client' });
    runInTransaction(transaction, () => {
      const savepoint = new TransactionScope({ outer: transaction, joins: transaction });
      runInTransaction(savepoint, () => pipeline.emit('first', {}));
      pipeline.emit('second', {});
      savepoint.commit();
    });
    await transaction.prepare();
    expect(written).toEqual(['client', 'first', 'second']);
    expect(delivered).toEqual([]);
    transaction.commit();
    expect(delivered).toEqual(['first', 'second']);
  });

  it('count as one event each after a second end of the transaction', () => {
    const delivered: string[] = [];
    const pipeline = pipelineInto(delivered);
    const transaction = new TransactionScope();
    runInTransaction(transaction, () => pipeline.emit('first', {}));
    transaction.commit();
    transaction.rollBack();
    transaction.commit();
    expect(delivered).toEqual(['first']);
    expect(pipeline.stats()).toMatchObject({ arrived: 1, delivered: 1, dropped: {}, pending: 0 });
  });

  it('are not held by requests that begin in the transaction', () => {
    const delivered: string[] = [];
    const pipeline = pipelineInto(delivered);
    const transaction = new TransactionScope();
    runInTransaction(transaction, () =>
      pipeline.locator.run('request', () => pipeline.emit('other.request', {})),
    );
    expect(delivered).toEqual(['other.request']);
    transaction.rollBack();
  });
});
