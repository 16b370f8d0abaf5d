import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy that simulates network failures. */
export interface TcpProxy {
  readonly port: number;
  /** Resets all connections, including new ones, until `mend`. */
  cut(): void;
  /** Forwards no data in either direction, until `mend`. */
  stall(): void;
  /** Delays all data by a number of milliseconds, until `mend`. */
  slowDown(milliseconds: number): void;
  /** Resets one connection, once the clients have sent a number of bytes. */
  resetAfter(bytes: number): void;
  mend(): void;
  stop(): Promise<void>;
}

/** Starts a proxy in front of a local server. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const proxy = new FaultyProxy(target);
  await proxy.listen();
  return proxy;
}

class FaultyProxy implements TcpProxy {
  readonly #server = createServer((client) => this.#join(client));
  readonly #links = new Set<Link>();
  #isCut = false;
  #isStalled = false;
  #delay = 0;
  #resetAfter: number | undefined;

  constructor(private readonly target: number) {}

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.#isCut = true;
    for (const link of this.#links) link.reset();
  }

  stall(): void {
    this.#isStalled = true;
    for (const link of this.#links) link.pause();
  }

  slowDown(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  resetAfter(bytes: number): void {
    this.#resetAfter = bytes;
  }

  mend(): void {
    this.#isCut = false;
    this.#isStalled = false;
    this.#delay = 0;
    this.#resetAfter = undefined;
    for (const link of this.#links) link.resume();
  }

  async stop(): Promise<void> {
    for (const link of this.#links) link.reset();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    if (this.#isCut) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    const link = new Link(client, server, {
      delay: () => this.#delay,
      sent: (bytes) => this.#sent(link, bytes),
      ended: () => this.#links.delete(link),
    });
    this.#links.add(link);
    if (this.#isStalled) link.pause();
  }

  #sent(link: Link, bytes: number): void {
    if (this.#resetAfter === undefined) return;
    this.#resetAfter -= bytes;
    if (this.#resetAfter > 0) return;
    this.#resetAfter = undefined;
    link.reset();
  }
}

/** Two sockets that forward data to each other. */
class Link {
  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly proxy: { delay(): number; sent(bytes: number): void; ended(): void },
  ) {
    this.#pass(client, server, (bytes) => proxy.sent(bytes));
    this.#pass(server, client, () => {});
  }

  pause(): void {
    this.client.pause();
    this.server.pause();
  }

  resume(): void {
    this.client.resume();
    this.server.resume();
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
    this.proxy.ended();
  }

  #pass(from: Socket, to: Socket, count: (bytes: number) => void): void {
    from.on('data', (chunk: Buffer) => {
      const delay = this.proxy.delay();
      if (delay === 0) this.#write(to, chunk);
      else setTimeout(() => this.#write(to, chunk), delay);
      count(chunk.length);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      to.destroy();
      this.proxy.ended();
    });
  }

  #write(to: Socket, chunk: Buffer): void {
    if (!to.destroyed) to.write(chunk);
  }
}
