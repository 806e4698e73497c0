import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Emulator, EmulatorOptions } from '../../../src/emulator/emulator.ts';
import { DEVICE, type Post, PUBLIC_KEY, poster, refresh, start } from './rig.ts';

const CREATE = '/users/v1/users/device/create_session';
const LINK = '/v2/file/get_download_url';
const LIST = '/adrive/v3/file/list';

async function startSignedIn(options: EmulatorOptions = {}): Promise<{ emulator: Emulator; post: Post }> {
  const emulator = await start(options);
  const { json } = await refresh(emulator, 'page');
  return { emulator, post: poster(emulator.apiUrl, { Authorization: `Bearer ${json.access_token}` }) };
}

const rootKey = (emulator: Emulator) => ({
  drive_id: emulator.drives.backup,
  parent_file_id: 'root',
  file_id: 'root',
});

describe('device checks', () => {
  it.each([
    ['off', 200, 400, 'InvalidResource.FileTypeFolder'],
    ['download-only', 200, 403, 'UserDeviceIllegality'],
    ['all', 403, 403, 'UserDeviceIllegality'],
  ] as const)('%s', async (deviceChecks, listStatus, linkStatus, code) => {
    const { emulator, post } = await startSignedIn({ deviceChecks });
    expect((await post(LIST, rootKey(emulator))).status).toBe(listStatus);
    const link = await post(LINK, rootKey(emulator));
    expect([link.status, link.json.code]).toEqual([linkStatus, code]);
    expect((await post('/v2/user/get')).status).toBe(200);
  });

  it('want a session for the device and the signature that it was created with', async () => {
    const { emulator, post } = await startSignedIn();
    const list = (headers: Record<string, string>) => post(LIST, rootKey(emulator), headers);
    const unknown = await list(DEVICE);
    expect([unknown.status, unknown.json.message]).toEqual([400, 'not found device info']);
    const created = await post(CREATE, { deviceName: 'Chrome', modelName: 'Windows', pubKey: PUBLIC_KEY }, DEVICE);
    expect(created.json).toEqual({ result: true, success: true, code: null, message: null });
    expect((await list(DEVICE)).status).toBe(200);
    const other = await list({ ...DEVICE, 'x-signature': `${'cd'.repeat(64)}00` });
    expect([other.status, other.json.code]).toEqual([400, 'DeviceSessionSignatureInvalid']);
    await post('/users/v1/users/device_logout', {}, DEVICE);
    expect((await list(DEVICE)).status).toBe(400);
  });

  it('end a session after its time', async () => {
    let now = 1_700_000_000_000;
    const { emulator, post } = await startSignedIn({ now: () => now, deviceSessionTtlMs: 1000 });
    await post(CREATE, { pubKey: PUBLIC_KEY }, DEVICE);
    now += 1001;
    expect((await post(LIST, rootKey(emulator), DEVICE)).json.code).toBe('DeviceSessionSignatureInvalid');
    await post(CREATE, { pubKey: PUBLIC_KEY }, DEVICE);
    expect((await post(LIST, rootKey(emulator), DEVICE)).status).toBe(200);
  });

  it('give an account ten slots: the eleventh device takes that of the first', async () => {
    const { emulator, post } = await startSignedIn();
    const device = (index: number) => ({ ...DEVICE, 'x-device-id': `device-${index}` });
    for (let index = 0; index < 11; index++) await post(CREATE, { pubKey: PUBLIC_KEY }, device(index));
    expect(emulator.devices.count).toBe(10);
    const first = await post(LIST, rootKey(emulator), device(0));
    expect([first.status, first.json]).toEqual([401, { code: 'UserDeviceOffline', message: 'Device offline' }]);
    expect((await post(LIST, rootKey(emulator), device(1))).status).toBe(200);
  });
});

describe('signatures', () => {
  const deviceId = 'alidav-test-device';

  /** As the page signs: secp256k1 over `appId:deviceId:userId:nonce`. */
  function makeDevice(userId: string, nonce = 0, pair = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })) {
    const jwk = pair.publicKey.export({ format: 'jwk' });
    const hex = (part = '') => Buffer.from(part, 'base64url').toString('hex').padStart(64, '0');
    const message = Buffer.from(`25dzX3vbYqktVxyX:${deviceId}:${userId}:${nonce}`);
    const key = createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const signature = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }).toString('hex');
    return {
      pubKey: `04${hex(jwk.x)}${hex(jwk.y)}`,
      headers: { 'x-device-id': deviceId, 'x-signature': `${signature}01` },
    };
  }

  it('are verified where the service is strict', async () => {
    const { emulator, post } = await startSignedIn({ strictSignatures: true });
    const good = makeDevice(emulator.userId);
    expect((await post(CREATE, { pubKey: good.pubKey }, good.headers)).status).toBe(200);
    const shorter = { pubKey: good.pubKey.slice(2), nonce: 0 };
    expect((await post(CREATE, shorter, good.headers)).status).toBe(200);
    const ofSomebodyElse = makeDevice(createHash('md5').update('x').digest('hex'));
    const refused = await post(CREATE, { pubKey: ofSomebodyElse.pubKey }, ofSomebodyElse.headers);
    expect([refused.status, refused.json.code]).toEqual([400, 'DeviceSessionSignatureInvalid']);
    const later = makeDevice(emulator.userId, 7);
    expect((await post(CREATE, { pubKey: later.pubKey, nonce: 7 }, later.headers)).status).toBe(200);
    expect((await post(CREATE, { pubKey: later.pubKey }, later.headers)).status).toBe(400);
  });

  it('of a renewal count the nonce up without sending it', async () => {
    const { emulator, post } = await startSignedIn({ strictSignatures: true });
    const RENEW = '/users/v1/users/device/renew_session';
    const pair = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const first = makeDevice(emulator.userId, 0, pair);
    await post(CREATE, { pubKey: first.pubKey }, first.headers);
    const second = makeDevice(emulator.userId, 1, pair);
    expect((await post(RENEW, {}, second.headers)).status).toBe(200);
    expect((await post(LIST, rootKey(emulator), second.headers)).status).toBe(200);
    expect((await post(LIST, rootKey(emulator), first.headers)).json.code).toBe('DeviceSessionSignatureInvalid');
    expect((await post(RENEW, {}, makeDevice(emulator.userId).headers)).status).toBe(400);
  });

  it.each([
    ['no device', { 'x-device-id': ' ' }, 403, 'UserDeviceIllegality'],
    ['a short signature', { 'x-signature': 'abcd' }, 400, 'DeviceSessionSignatureInvalid'],
  ])('are refused with %s', async (_what, headers, status, code) => {
    const { post } = await startSignedIn();
    const answer = await post(CREATE, { pubKey: PUBLIC_KEY }, { ...DEVICE, ...headers });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });
});
