/** A server that accepts the batches of all clients, and reports the number of events per path. */
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

const sumOf = (all, figure) => all.reduce((sum, each) => sum + figure(each), 0);

const batchOf = ({ batch }) => batch.length;
const recordsOf = ({ resourceLogs }) =>
  sumOf(resourceLogs, ({ scopeLogs }) => sumOf(scopeLogs, ({ logRecords }) => logRecords.length));

/** The response of each path, and the number of events in a body. */
const PATHS = {
  '/events': { answer: '', eventsIn: (events) => events.length },
  '/batch/': { answer: '{"status":1}', eventsIn: batchOf },
  '/v1/batch': { answer: '{"success":true}', eventsIn: batchOf },
  '/v1/logs': { answer: '{}', eventsIn: recordsOf },
};

const received = Object.fromEntries(Object.keys(PATHS).map((path) => [path, []]));

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (!(request.url in PATHS)) {
    response.writeHead(404).end();
    return;
  }
  const isZipped = request.headers['content-encoding'] === 'gzip';
  received[request.url].push({ body: Buffer.concat(chunks), isZipped });
  response.setHeader('content-type', 'application/json').end(PATHS[request.url].answer);
});

/** Reads bodies only when a report is requested, so that reading does not slow down senders. */
process.on('message', (path) => {
  const events = sumOf(received[path].splice(0), ({ body, isZipped }) =>
    PATHS[path].eventsIn(JSON.parse(isZipped ? gunzipSync(body) : body)),
  );
  process.send(events);
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
