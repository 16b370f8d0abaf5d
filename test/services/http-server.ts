import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** A request as the server received it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as it was sent. */
  readonly bytes: Buffer;
  /** The body after decompression. */
  readonly body: string;
}

/** Answers a request. */
export type HttpAnswer = (response: ServerResponse, request: ReceivedRequest) => void;

/** A local HTTP server whose answers tests control. */
export interface TestHttpServer {
  readonly url: string;
  readonly port: number;
  /** All requests, in the order of arrival. */
  readonly requests: readonly ReceivedRequest[];
  /** The requests that were answered with 2xx. */
  readonly accepted: readonly ReceivedRequest[];
  /** How many sockets were opened. */
  readonly sockets: number;
  /** Sets the answers to the next requests, one each. */
  answer(...answers: HttpAnswer[]): void;
  /** Sets the answer to all further requests; undefined for success. */
  answerAlways(answer: HttpAnswer | undefined): void;
  stop(): Promise<void>;
}

/** Answers with a status. */
export function status(code: number, headers: Record<string, string> = {}, body = ''): HttpAnswer {
  return (response) => response.writeHead(code, headers).end(body);
}

/** Resets the connection. */
export const reset: HttpAnswer = (response) => response.socket?.resetAndDestroy();

/** Never answers. */
export const stall: HttpAnswer = () => {};

export async function startHttpServer(): Promise<TestHttpServer> {
  const requests: ReceivedRequest[] = [];
  const accepted: ReceivedRequest[] = [];
  let planned: HttpAnswer[] = [];
  let always: HttpAnswer = status(200);
  let sockets = 0;

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const isCompressed = request.headers['content-encoding'] === 'gzip';
      const received: ReceivedRequest = {
        method: request.method!,
        url: request.url!,
        headers: request.headers,
        bytes,
        body: (isCompressed ? gunzipSync(bytes) : bytes).toString(),
      };
      requests.push(received);
      const answer = planned.shift() ?? always;
      answer(response, received);
      const { statusCode, headersSent } = response;
      if (headersSent && statusCode >= 200 && statusCode < 300 && request.method !== 'HEAD') {
        accepted.push(received);
      }
    });
  });
  server.on('connection', () => sockets++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    accepted,
    get sockets() {
      return sockets;
    },
    answer: (...answers) => void (planned = answers),
    answerAlways: (answer) => void (always = answer ?? status(200)),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
