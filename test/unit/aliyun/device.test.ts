import { createHash, createPublicKey, verify } from 'node:crypto';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createJsonHttp } from '../../../src/aliyun/http.ts';
import { DeviceSession } from '../../../src/aliyun/web/device.ts';
import { createKeyPair, signMessage } from '../../../src/aliyun/web/device-signature.ts';
import { type Emulator, startEmulator } from '../../../src/emulator/emulator.ts';
import { openEmbeddedStore } from '../../../src/state/embedded.ts';
import type { StateStore } from '../../../src/state/store.ts';
import { temporaryFolder } from '../state/temporary-folder.ts';
import { failureOf } from './account-setup.ts';

const SESSION = '/users/v1/users/device/create_session';
const APP_ID = '5dde4e1bdf9e4966b387ba58f4b3fdc3';

async function setScene(): Promise<{
  emulator: Emulator;
  store: StateStore;
  createSession: (now?: () => number) => DeviceSession;
  check: (session: DeviceSession) => Promise<void>;
}> {
  const emulator = await startEmulator({ content: 'empty', strictSignatures: true });
  onTestFinished(() => emulator.close());
  const store = await openEmbeddedStore(await temporaryFolder());
  onTestFinished(() => store.close());
  const getAccessToken = async () => emulator.tokens.issueAccessToken('app').accessToken;
  return {
    emulator,
    store,
    createSession: (now = Date.now) =>
      new DeviceSession({
        apiUrl: emulator.apiUrl,
        http: createJsonHttp({ timeoutMs: 5000, userAgent: 'alidav/test' }),
        store,
        tokens: { getAccessToken, replaceAccessToken: getAccessToken },
        identity: Promise.resolve({ userId: emulator.userId, kind: 'app' }),
        log: pino({ level: 'silent' }),
        now,
      }),
    async check(session) {
      const headers = await session.headers();
      emulator.devices.check({ deviceId: headers['x-device-id'], signature: headers['x-signature'] });
    },
  };
}

describe('signMessage', () => {
  it('signs as secp256k1 does, in the lower form', () => {
    for (let round = 0; round < 20; round += 1) {
      const pair = createKeyPair();
      expect(pair.publicKey).toMatch(/^04[0-9a-f]{128}$/);
      const signature = signMessage('app:device:user:0', pair);
      expect(signature).toMatch(/^[0-9a-f]{128}0[01]$/);
      const [x, y] = [pair.publicKey.slice(2, 66), pair.publicKey.slice(66)].map((half) =>
        Buffer.from(half, 'hex').toString('base64url'),
      );
      const key = createPublicKey({ key: { kty: 'EC', crv: 'secp256k1', x: x ?? '', y: y ?? '' }, format: 'jwk' });
      const bytes = Buffer.from(signature.slice(0, 128), 'hex');
      const isSigned = (message: string) =>
        verify('sha256', Buffer.from(message), { key, dsaEncoding: 'ieee-p1363' }, bytes);
      expect(isSigned('app:device:user:0')).toBe(true);
      expect(isSigned('app:device:user:1')).toBe(false);
      expect(BigInt(`0x${signature.slice(64, 128)}`)).toBeLessThan(2n ** 255n);
      expect(recoverPublicKey('app:device:user:0', signature)).toBe(pair.publicKey);
    }
  });
});

describe('DeviceSession', () => {
  it('registers once, whoever and however many ask, and not again after a restart', async () => {
    const scene = await setScene();
    const [one, other] = [scene.createSession(), scene.createSession()];
    const all = await Promise.all([one.headers(), one.headers(), one.headers()]);
    expect(new Set(all.map((headers) => JSON.stringify(headers))).size).toBe(1);
    await scene.check(one);
    await scene.check(other);
    expect(await other.headers()).toEqual(await one.headers());
    expect(scene.emulator.calls.count(SESSION)).toBe(1);
    expect(scene.emulator.devices.count).toBe(1);
    expect((await scene.store.get([scene.emulator.userId, 'v1', 'device'])) as object).toMatchObject({ appId: APP_ID });
  });

  it('takes one slot when two processes start at once', async () => {
    const scene = await setScene();
    const sessions = [scene.createSession(), scene.createSession(), scene.createSession()];
    await Promise.all(sessions.map((session) => session.headers()));
    for (const session of sessions) await scene.check(session);
    expect(scene.emulator.devices.count).toBe(1);
  });

  it('renews a session that ended, as the same device', async () => {
    const scene = await setScene();
    const session = scene.createSession();
    const before = await session.headers();
    scene.emulator.devices.endSessions();
    await session.renew();
    await scene.check(session);
    expect((await session.headers())['x-device-id']).toBe(before['x-device-id']);
  });

  it('takes over what another process renewed', async () => {
    let now = 1000;
    const scene = await setScene();
    const [one, other] = [scene.createSession(() => now), scene.createSession(() => now)];
    await one.headers();
    await other.headers();
    now += 1;
    await one.renew();
    await other.renew();
    expect(scene.emulator.calls.count(SESSION)).toBe(2);
  });

  it('gets over a throttled registration', async () => {
    const scene = await setScene();
    scene.emulator.faults.inject({ endpoint: SESSION, kind: 'throttle', retryAfterMs: 50 });
    await scene.check(scene.createSession());
  });

  it('goes on without a session where the service knows no such thing', async () => {
    const scene = await setScene();
    scene.emulator.faults.inject({ endpoint: SESSION, kind: 'error', code: 'BadRequest' });
    expect(await scene.createSession().headers()).toHaveProperty('x-device-id');
  });

  it('tells the owner when registrations do not hold, and tries again after a minute', async () => {
    let now = 1_000_000;
    const scene = await setScene();
    const session = scene.createSession(() => now);
    await session.headers();
    const renewAll = async () => {
      for (let round = 0; round < 10; round += 1) await session.renew();
    };
    const error = await failureOf(renewAll());
    expect(error).toMatchObject({ code: 'login-required', message: expect.stringContaining('ten devices') });
    expect(session.problem).toBe(error.message);
    now += 61_000;
    expect(session.problem).toBeUndefined();
    await session.renew();
    await scene.check(session);
  });

  it('takes no slot that it could not remember', async () => {
    const scene = await setScene();
    vi.spyOn(scene.store, 'compareAndSet').mockRejectedValueOnce(new Error('disk full'));
    expect((await failureOf(scene.createSession().headers())).code).toBe('unavailable');
    expect(scene.emulator.calls.count(SESSION)).toBe(0);
  });
});

/** SEC 1 §4.1.6, to prove the last byte. */
function recoverPublicKey(message: string, signature: string): string {
  const [r, s] = [BigInt(`0x${signature.slice(0, 64)}`), BigInt(`0x${signature.slice(64, 128)}`)];
  const isOdd = signature.endsWith('01');
  const root = power(r ** 3n + 7n, (FIELD + 1n) / 4n, FIELD);
  const y = (root % 2n === 1n) === isOdd ? root : FIELD - root;
  const digest = BigInt(`0x${createHash('sha256').update(message).digest('hex')}`);
  const inverse = power(r, ORDER - 2n, ORDER);
  const [qx, qy] = add(multiply([r, y], (s * inverse) % ORDER), multiply(BASE, mod(-digest * inverse, ORDER)));
  return `04${[qx, qy].map((part) => part.toString(16).padStart(64, '0')).join('')}`;
}

type Point = readonly [bigint, bigint];

const FIELD = 2n ** 256n - 2n ** 32n - 977n;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const BASE: Point = [
  0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
];

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let bits = exponent, square = mod(base, modulus); bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function mod(value: bigint, modulus: bigint): bigint {
  return ((value % modulus) + modulus) % modulus;
}

function add([ax, ay]: Point, [bx, by]: Point): Point {
  const isSame = ax === bx && ay === by;
  const slope = isSame
    ? 3n * ax * ax * power(2n * ay, FIELD - 2n, FIELD)
    : (by - ay) * power(bx - ax, FIELD - 2n, FIELD);
  const x = mod(slope * slope - ax - bx, FIELD);
  return [x, mod(slope * (ax - x) - ay, FIELD)];
}

function multiply(point: Point, factor: bigint): Point {
  let result: Point | undefined;
  for (let bits = factor, addend = point; bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = result ? add(result, addend) : addend;
    addend = add(addend, addend);
  }
  return result ?? point;
}
