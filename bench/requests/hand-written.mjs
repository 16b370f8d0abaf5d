/**
 * The code that an application would write itself: a hook that keeps the context in an
 * `AsyncLocalStorage`, and a handler that builds the event from it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

const requests = new AsyncLocalStorage();
const backend = { send() {} };

export function read(id) {
  const result = { id, country: 'United States' };
  backend.send({
    id: randomUUID(),
    name: 'address.read',
    timestamp: new Date(),
    data: { country: result.country },
    context: { ...requests.getStore(), address_id: id },
  });
  return result;
}

export function prepare(app, adapter) {
  if (adapter === 'fastify') {
    const fastify = app.getHttpAdapter().getInstance();
    fastify.addHook('onRequest', (request, _reply, done) =>
      requests.run(contextOf(request.raw), done),
    );
  } else {
    app.use((request, _response, next) => requests.run(contextOf(request), next));
  }
}

function contextOf({ method, url, headers, socket }) {
  const queryStart = url.indexOf('?');
  return {
    method,
    path: queryStart < 0 ? url : url.slice(0, queryStart),
    host: headers.host,
    ip: socket.remoteAddress,
    agent: headers['user-agent'],
    request_id: headers['x-request-id'] ?? randomUUID(),
    origin: 'server',
  };
}
