import { createECDH, createHash, type ECDH } from 'node:crypto';

/** The order of secp256k1's group (SEC 2 §2.4.1). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

export interface KeyPair {
  /** 32 bytes. */
  readonly privateKey: Buffer;
  /** The uncompressed point: `04`, x and y; 130 hex digits. */
  readonly publicKey: string;
}

export function createKeyPair(): KeyPair {
  const pair = createECDH('secp256k1');
  const publicKey = pair.generateKeys('hex');
  return { privateKey: toBytes(toNumber(pair.getPrivateKey())), publicKey };
}

/**
 * ECDSA over SHA-256 (SEC 1 §4.1.3) as the service wants it: r, s in its lower form, and the byte from which the public
 * key can be recovered; 130 hex digits. `crypto.sign` keeps the point to itself that the last byte describes.
 */
export function signMessage(message: string, { privateKey }: KeyPair): string {
  const digest = toNumber(createHash('sha256').update(message).digest());
  for (;;) {
    const nonce = createECDH('secp256k1');
    nonce.generateKeys();
    const { r, isOdd } = readPoint(nonce);
    const inverse = invert(toNumber(nonce.getPrivateKey()));
    const s = (inverse * (digest + r * toNumber(privateKey))) % ORDER;
    if (r === 0n || s === 0n) continue;
    const isHigh = s > ORDER / 2n;
    const recovery = isOdd === isHigh ? '00' : '01';
    return toBytes(r).toString('hex') + toBytes(isHigh ? ORDER - s : s).toString('hex') + recovery;
  }
}

function readPoint(nonce: ECDH): { r: bigint; isOdd: boolean } {
  const point = nonce.getPublicKey();
  return { r: toNumber(point.subarray(1, 33)) % ORDER, isOdd: ((point.at(-1) ?? 0) & 1) === 1 };
}

/** By Fermat's little theorem, the order being prime. */
function invert(number: bigint): bigint {
  let result = 1n;
  let base = number % ORDER;
  for (let exponent = ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % ORDER;
    base = (base * base) % ORDER;
  }
  return result;
}

function toNumber(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`);
}

function toBytes(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
}
