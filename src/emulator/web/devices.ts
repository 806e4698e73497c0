import { createPublicKey, verify } from 'node:crypto';
import { apiError } from '../errors.ts';
import { ApiError } from '../reply.ts';
import type { Settings } from '../settings.ts';

interface Device {
  readonly publicKey: string;
  readonly signature: string;
  readonly createdAt: number;
  /** Another device took its slot. */
  offline: boolean;
}

export interface DeviceHeaders {
  readonly deviceId: string | undefined;
  readonly signature: string | undefined;
}

/** An account has ten slots; one more device throws out the oldest. */
const SLOTS = 10;

const APP_IDS = ['25dzX3vbYqktVxyX', '5dde4e1bdf9e4966b387ba58f4b3fdc3'];

/** The devices of the account: a call's signature must be the one that its device's session was created with. */
export class Devices {
  readonly #settings: Readonly<Settings>;
  readonly #now: () => number;
  readonly #userId: string;
  readonly #devices = new Map<string, Device>();

  constructor(settings: Readonly<Settings>, now: () => number, userId: string) {
    this.#settings = settings;
    this.#now = now;
    this.#userId = userId;
  }

  get count(): number {
    return [...this.#devices.values()].filter((device) => !device.offline).length;
  }

  createSession(headers: DeviceHeaders, publicKey: string, nonce: number): void {
    const { deviceId, signature } = this.#readHeaders(headers);
    if (!/^(04)?[0-9a-f]{128}$/i.test(publicKey)) throw apiError('web', 'BadRequest', 'invalid pubKey');
    if (this.#settings.strictSignatures && !isSigned(publicKey, signature, deviceId, this.#userId, nonce)) {
      throw apiError('web', 'DeviceSessionSignatureInvalid');
    }
    this.#devices.delete(deviceId);
    this.#devices.set(deviceId, { publicKey, signature, createdAt: this.#now(), offline: false });
    const online = [...this.#devices.values()].filter((device) => !device.offline);
    for (const device of online.slice(0, -SLOTS)) device.offline = true;
  }

  renewSession(headers: DeviceHeaders, nonce: number): void {
    const { deviceId, signature } = this.#readHeaders(headers);
    const device = this.#devices.get(deviceId);
    if (!device) throw apiError('web', 'BadRequest', 'not found device info');
    const counted = this.#settings.strictSignatures && nonce === 0;
    this.createSession(
      headers,
      device.publicKey,
      counted ? this.#nonceOf(device.publicKey, signature, deviceId) : nonce,
    );
  }

  logout(headers: DeviceHeaders): void {
    this.#devices.delete(headers.deviceId ?? '');
  }

  /** @throws ApiError in the order in which a client has to mend things: header, session, slot, signature. */
  check(headers: DeviceHeaders): void {
    const { deviceId, signature } = this.#readHeaders(headers);
    const device = this.#devices.get(deviceId);
    if (!device) throw new ApiError(400, 'BadRequest', 'not found device info');
    if (device.offline) throw apiError('web', 'UserDeviceOffline');
    const ttlMs = this.#settings.deviceSessionTtlMs;
    const tooOld = ttlMs !== null && this.#now() - device.createdAt > ttlMs;
    if (tooOld || device.signature !== signature) throw apiError('web', 'DeviceSessionSignatureInvalid');
  }

  /** Forgets every session, as the service does after some time. */
  endSessions(): void {
    this.#devices.clear();
  }

  /** Takes every device's slot away, as ten newer devices would. */
  takeSlots(): void {
    for (const device of this.#devices.values()) device.offline = true;
  }

  #readHeaders({ deviceId, signature }: DeviceHeaders): { deviceId: string; signature: string } {
    if (!deviceId?.trim()) throw apiError('web', 'UserDeviceIllegality');
    if (!/^[0-9a-f]{130}$/i.test(signature ?? '')) throw apiError('web', 'DeviceSessionSignatureInvalid');
    return { deviceId, signature: signature ?? '' };
  }

  /** A renewal counts the nonce up without sending it. */
  #nonceOf(publicKey: string, signature: string, deviceId: string): number {
    for (let nonce = 0; nonce < 64; nonce++) {
      if (isSigned(publicKey, signature, deviceId, this.#userId, nonce)) return nonce;
    }
    return 0;
  }
}

/** ECDSA with secp256k1 over SHA-256 of `appId:deviceId:userId:nonce`; the 65th byte only helps to recover the key. */
function isSigned(publicKey: string, signature: string, deviceId: string, userId: string, nonce: number): boolean {
  const point = publicKey.slice(-128);
  const [x = '', y = ''] = [point.slice(0, 64), point.slice(64)].map((half) =>
    Buffer.from(half, 'hex').toString('base64url'),
  );
  try {
    const key = createPublicKey({ key: { kty: 'EC', crv: 'secp256k1', x, y }, format: 'jwk' });
    const bytes = Buffer.from(signature.slice(0, 128), 'hex');
    return APP_IDS.some((appId) => {
      const message = Buffer.from(`${appId}:${deviceId}:${userId}:${nonce}`);
      return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, bytes);
    });
  } catch {
    // The two numbers are no point of the curve.
    return false;
  }
}
