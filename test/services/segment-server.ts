import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A message of Segment's batch API, as its client sends it. */
export interface SegmentMessage {
  type: string;
  messageId: string;
  timestamp: string;
  event?: string;
  userId?: string;
  anonymousId?: string;
  properties?: Record<string, unknown>;
  context?: Record<string, unknown>;
}

/** How one request is answered, instead of with success. */
export type SegmentAnswer =
  | { status: number; headers?: Record<string, string>; delay?: number }
  /** Resets the connection. */
  | 'reset'
  /** Never answers. */
  | 'stall'
  /** Stores the batch and never answers. */
  | 'take and stall'
  /** Stores the batch and resets the connection. */
  | 'take and reset';

/** A local server of Segment's batch API whose answers tests control. */
export interface SegmentServer {
  readonly url: string;
  /** The messages of accepted batches, in the order of arrival. */
  readonly taken: readonly (SegmentMessage & { writeKey: string })[];
  /** How many requests arrived. */
  readonly requests: number;
  /** Sets the answers to the next requests, one each. */
  answer(...answers: SegmentAnswer[]): void;
  /** Sets the answer to all further requests; undefined for success. */
  answerAlways(
    answer: SegmentAnswer | ((batch: SegmentMessage[]) => SegmentAnswer | undefined) | undefined,
  ): void;
  stop(): Promise<void>;
}

export async function startSegmentServer(): Promise<SegmentServer> {
  const taken: (SegmentMessage & { writeKey: string })[] = [];
  let planned: SegmentAnswer[] = [];
  let always: Parameters<SegmentServer['answerAlways']>[0];
  let requests = 0;

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests++;
    const batch = JSON.parse(await textOf(request)) as { batch: SegmentMessage[] };
    const writeKey = writeKeyOf(request);
    const answer =
      planned.shift() ?? (typeof always === 'function' ? always(batch.batch) : always) ?? 'success';
    if (answer === 'success' || answer === 'take and stall' || answer === 'take and reset') {
      taken.push(...batch.batch.map((message) => ({ ...message, writeKey })));
    }
    if (answer === 'success') {
      response.setHeader('content-type', 'application/json').end('{"success":true}');
    } else if (answer === 'reset' || answer === 'take and reset') {
      request.socket.resetAndDestroy();
    } else if (typeof answer === 'object') {
      const end = () => response.writeHead(answer.status, answer.headers).end();
      setTimeout(end, answer.delay ?? 0);
    }
  };

  const server = createServer((request, response) => {
    respond(request, response).catch(() => request.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    get requests() {
      return requests;
    },
    answer(...answers) {
      planned = [...planned, ...answers];
    },
    answerAlways(answer) {
      always = answer;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function writeKeyOf(request: IncomingMessage): string {
  const [, credentials = ''] = (request.headers.authorization ?? '').split(' ');
  return Buffer.from(credentials, 'base64').toString().split(':')[0]!;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk as string;
  return text;
}
