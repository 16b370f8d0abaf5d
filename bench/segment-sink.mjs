/** A server that takes what is sent to Segment, in a process of its own. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json').end('{"success":true}');
  });
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
