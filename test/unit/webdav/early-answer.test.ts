import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { MemoryTree } from './memory-tree.ts';
import { parseAnswer, serve } from './serve.ts';

const MIB = 2 ** 20;

describe('a refusal while the body is still coming', () => {
  it.each([
    ['of declared length', (bytes: number) => [`Content-Length: ${bytes}`, (data: Buffer) => [data]] as const],
    [
      'chunked',
      () =>
        [
          'Transfer-Encoding: chunked',
          (data: Buffer) => [`${data.length.toString(16)}\r\n`, data, '\r\n'] as readonly (string | Buffer)[],
        ] as const,
    ],
  ])('reaches a client that reads only after it has sent all, %s', async (_what, frame) => {
    const served = await serve(new MemoryTree({}));
    const bytes = 24 * MIB;
    const [header, wrap] = frame(bytes);
    const socket = connect(served.port, '127.0.0.1');
    const failures: Error[] = [];
    socket.on('error', (error) => failures.push(error)).pause();
    socket.write(`PUT /big.bin HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`);
    const data = Buffer.alloc(MIB);
    for (let sent = 0; sent < bytes; sent += MIB) {
      for (const piece of wrap(data)) if (!socket.write(piece)) await once(socket, 'drain');
    }
    if (header.startsWith('Transfer')) socket.write('0\r\n\r\n');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
    await once(socket, 'close');
    const { status, headers } = parseAnswer(Buffer.concat(chunks).toString());
    expect(failures).toEqual([]);
    expect([status, headers.connection]).toEqual([403, 'close']);
    expect(served.settled).toBe(1);
  });

  it('keeps the connection where little is to come', async () => {
    const served = await serve(new MemoryTree({}));
    const head = 'PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc';
    const text = await served.send(`${head}OPTIONS / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 403', 'HTTP/1.1 200']);
  });

  it('lets go of a client that leaves', async () => {
    const served = await serve(new MemoryTree({}));
    const socket = connect(served.port, '127.0.0.1');
    socket.write('PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nabc');
    await once(socket, 'data');
    expect(served.settled).toBe(0);
    socket.destroy();
    await expect.poll(() => served.settled).toBe(1);
  });
});
