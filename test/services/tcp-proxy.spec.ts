import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

let echo: Server;
let proxy: TcpProxy;

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startTcpProxy((echo.address() as AddressInfo).port);
});

afterEach(async () => {
  await proxy.stop();
  echo.close();
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, text: string): Promise<string> {
  const answered = once(socket, 'data');
  socket.write(text);
  return String((await answered)[0]);
}

const failed = async (socket: Socket): Promise<string> =>
  ((await once(socket, 'error')) as [NodeJS.ErrnoException])[0].code ?? '';

describe('TcpProxy', () => {
  it('forwards data in both directions', async () => {
    expect(await ask(await open(), 'hello')).toBe('hello');
  });

  it('resets connections after cut, and accepts new ones after mend', async () => {
    const socket = await open();
    await ask(socket, 'hello');
    const reset = failed(socket);
    proxy.cut();
    expect(await reset).toBe('ECONNRESET');
    expect(await failed(connect(proxy.port, '127.0.0.1'))).toBe('ECONNRESET');
    proxy.mend();
    expect(await ask(await open(), 'again')).toBe('again');
  });

  it('holds data back after stall, and forwards all of it after mend', async () => {
    const socket = await open();
    await ask(socket, 'hello');
    proxy.stall();
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.write('late');
    expect(await answerOfAnother(proxy)).toBe('stalled');
    expect(answer).toBe('');
    proxy.mend();
    await once(socket, 'data');
    expect(answer).toBe('late');
  });

  it('delays forwarded data after slowDown', async () => {
    const socket = await open();
    await ask(socket, 'hello');
    proxy.slowDown(40);
    const start = performance.now();
    await ask(socket, 'late');
    expect(performance.now() - start).toBeGreaterThan(75);
  });

  it('resets one connection in the middle of a transfer', async () => {
    proxy.resetAfter(10_000);
    const socket = await open();
    const reset = failed(socket);
    socket.write('x'.repeat(100_000));
    expect(await reset).toBe('ECONNRESET');
    expect(await ask(await open(), 'hello')).toBe('hello');
  });
});

/** Resolves after a second connection would have been answered if the proxy were not stalled. */
async function answerOfAnother(stalled: TcpProxy): Promise<string> {
  const socket = connect(stalled.port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.write('hello');
  return Promise.race([
    once(socket, 'data').then(() => 'answered'),
    new Promise<string>((resolve) => setTimeout(() => resolve('stalled'), 50)),
  ]).finally(() => socket.destroy());
}
