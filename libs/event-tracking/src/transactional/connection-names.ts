import { Logger } from '@nestjs/common';
import { Diagnostics } from '../core/diagnostics/diagnostics.js';

const names = new WeakMap<object, string>();
const diagnostics = new Diagnostics(new Logger('EventTracking'));

export function noteConnectionName(connection: unknown, name: string | undefined): void {
  if ((typeof connection !== 'object' && typeof connection !== 'function') || connection === null) {
    return;
  }
  const described = name === undefined ? 'the connection without a name' : `'${name}'`;
  const known = names.get(connection);
  if (known === undefined) names.set(connection, described);
  if (known === undefined || known === described) return;
  diagnostics.warn(
    `the connections ${known} and ${described}`,
    `ClsPluginTransactional: ${known} and ${described} are the same database connection. A ` +
      `transaction of one does not join a transaction of the other, so its events are delivered ` +
      `even if the other is rolled back. Use one plugin and one connectionName for each connection.`,
    { burst: 1 },
  );
}
