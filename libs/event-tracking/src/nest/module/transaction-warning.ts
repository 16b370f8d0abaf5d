import type { ModulesContainer } from '@nestjs/core';
import { HOLDS_EVENTS } from '../../core/context/running-transaction.js';
import type { EventTrackingApplication } from './application.js';

/** The description of the token under which each `ClsPluginTransactional` provides its options. */
const ADAPTER_OPTIONS = 'TRANSACTIONAL_OPTIONS';

/** Warns of transactions that hold no events, although others do or `commit` asks for it. */
export function warnOfUnobservedTransactions(
  application: EventTrackingApplication,
  modules: ModulesContainer,
): void {
  const connections = [...modules.values()]
    .flatMap(({ providers }) => [...providers])
    .filter(([token]) => typeof token === 'symbol' && token.description === ADAPTER_OPTIONS)
    .map(([, { instance }]) => instance as unknown)
    .filter((instance) => typeof instance === 'object' && instance !== null);
  const unobserved = connections.filter((options) => !(HOLDS_EVENTS in options));
  if (!application.asksForCommit && unobserved.length === connections.length) return;
  for (const options of unobserved) {
    const { connectionName } = options as { connectionName?: string | undefined };
    const name = connectionName === undefined ? '' : ` of the connection '${connectionName}'`;
    application.diagnostics.warn(
      `the transactions${name}`,
      `ClsPluginTransactional: events do not wait for the transactions${name}, because its adapter ` +
        `is not wrapped. Pass the result of transactionalEvents to the plugin: ` +
        `adapter: transactionalEvents(new TransactionalAdapter…({ … })).`,
    );
  }
}
