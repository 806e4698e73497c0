import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Makes a comparison with one secret whose time tells neither the secret's length nor how much of it was guessed: both
 * sides are hashed first, after random bytes that nobody else knows.
 */
export function createSecretMatcher(secret: Buffer): (given: Buffer) => boolean {
  const key = randomBytes(32);
  const hash = (value: Buffer) => createHash('sha256').update(key).update(value).digest();
  const expected = hash(secret);
  return (given) => timingSafeEqual(hash(given), expected);
}
