import { request as requestTls } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { ListenError } from '../../../src/http/listen.ts';
import { type Rig, rawRequest, startRig, statusOf } from './rig.ts';

const pem = (name: string) => path.join(import.meta.dirname, 'tls', name);
const TLS = { tls_cert: pem('cert.pem'), tls_key: pem('key.pem') };

const rigs: Rig[] = [];
async function start(...args: Parameters<typeof startRig>): Promise<Rig> {
  const rig = await startRig(...args);
  rigs.push(rig);
  return rig;
}
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.front.close(0);
});

describe('listen', () => {
  it('tells the address with the port that it got', async () => {
    const rig = await start();
    expect(rig.url).toBe(`http://127.0.0.1:${rig.port}/`);
    expect(rig.port).toBeGreaterThan(0);
  });

  it('says so when the port is taken', async () => {
    const { port } = await start();
    const second = startRig({ port });
    await expect(second).rejects.toThrow(ListenError);
    await expect(second).rejects.toThrow(new RegExp(`Port ${port} .* taken .* ALIDAV_PORT`));
  });

  it.each([
    ['192.0.2.1', /no address of this machine.*ALIDAV_HOST/],
    ['no-such-host.invalid', /has no address.*ALIDAV_HOST/],
  ])('says so when it cannot be had: %s', async (host, message) => {
    await expect(startRig({ host })).rejects.toThrow(message);
  });
});

describe('https', () => {
  it('serves with a certificate and its key', async () => {
    const rig = await start(TLS);
    expect(rig.url).toMatch(/^https:/);
    const answer = await new Promise<string>((resolve, reject) => {
      const request = requestTls(rig.url, { rejectUnauthorized: false }, (response) => resolve(text(response)));
      request.on('error', reject).end();
    });
    expect(answer).toBe('dav');
  });

  it('survives who speaks plain http to it', async () => {
    const rig = await start(TLS);
    await rig.exchange(rawRequest('GET /')).catch(() => undefined);
    const socket = connectTls({ port: rig.port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.write(rawRequest('GET /'));
    expect(statusOf(await text(socket))).toBe(200);
  });

  it('closes in time with connections open', async () => {
    const rig = await start(TLS);
    const socket = connectTls({ port: rig.port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    const startedAt = Date.now();
    await rig.front.close(5_000);
    expect(Date.now() - startedAt).toBeLessThan(2_000);
  });

  it.each([
    ['the key is not set', { tls_cert: TLS.tls_cert }, /^ALIDAV_TLS_KEY is missing/],
    ['the certificate is not set', { tls_key: TLS.tls_key }, /^ALIDAV_TLS_CERT is missing/],
    ['a file is absent', { ...TLS, tls_cert: path.join(tmpdir(), 'no-such.pem') }, /^ALIDAV_TLS_CERT: .*ENOENT/],
    ['a file is a folder', { ...TLS, tls_key: tmpdir() }, /^ALIDAV_TLS_KEY: .*EISDIR/],
    ['the certificate is none', { ...TLS, tls_cert: TLS.tls_key }, /^ALIDAV_TLS_CERT: .*no certificate/],
    ['the key is none', { ...TLS, tls_key: TLS.tls_cert }, /^ALIDAV_TLS_KEY: .*no private key/],
    ['they do not match', { ...TLS, tls_key: pem('other-key.pem') }, /^ALIDAV_TLS_KEY: .*does not belong/],
  ])('says which setting is wrong when %s', async (_what, settings, message) => {
    await expect(startRig(settings)).rejects.toThrow(message);
  });
});

describe('close', () => {
  it('closes idle connections at once', async () => {
    const rig = await start();
    const [fresh, used] = [rig.open(), rig.open()];
    used.resume().write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await sleep(50);
    const closed = Promise.all([fresh, used].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    fresh.resume();
    const startedAt = Date.now();
    await Promise.all([rig.front.close(5_000), closed]);
    expect(Date.now() - startedAt).toBeLessThan(1_000);
  });

  it('lets a running answer finish, and takes no new connection', async () => {
    const rig = await start(
      {},
      {
        async dav(_request, response) {
          response.write('begun ');
          await sleep(200);
          response.end('and done');
        },
      },
    );
    const answer = rig.exchange('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await sleep(50);
    const closed = rig.front.close(5_000);
    await expect(rig.exchange(rawRequest('GET /'))).rejects.toThrow(/ECONNREFUSED/);
    await closed;
    expect(await answer).toMatch(/begun .*and done/s);
  });

  it('cuts off what takes longer than it may', async () => {
    const rig = await start({}, { dav: async (_request, response) => void response.write('for ever') });
    const answer = rig.exchange(rawRequest('GET /'));
    await sleep(50);
    const startedAt = Date.now();
    await rig.front.close(100);
    expect(Date.now() - startedAt).toBeLessThan(1_000);
    expect(await answer).toMatch(/for ever/);
  });

  it('may be asked for twice', async () => {
    const rig = await start();
    await Promise.all([rig.front.close(0), rig.front.close(0)]);
    await rig.front.close(0);
  });
});
