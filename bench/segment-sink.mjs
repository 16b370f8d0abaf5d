/** A server that accepts batches for Segment, in a separate process. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json').end('{"success":true}');
  });
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
