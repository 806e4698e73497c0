import { describe, expect, it } from 'vitest';
import { createNonces } from '../../../src/http/nonces.ts';

const HOUR_MS = 60 * 60 * 1000;

describe('createNonces', () => {
  it('takes each count of a nonce once, in any order', () => {
    const nonces = createNonces(() => 1e12);
    const nonce = nonces.issue();
    expect([1, 3, 2, 2, 1, 4, 4].map((count) => nonces.spend(nonce, count))).toEqual([
      ...[true, true, true, false, false, true, false],
    ]);
    expect(nonces.spend(nonce, 0)).toBe(false);
  });

  it('takes a count that lags too far behind for a replay', () => {
    const nonces = createNonces(() => 1e12);
    const nonce = nonces.issue();
    expect(nonces.spend(nonce, 1000)).toBe(true);
    expect(nonces.spend(nonce, 1000 - 255)).toBe(true);
    expect(nonces.spend(nonce, 1000 - 256)).toBe(false);
    expect(nonces.spend(nonce, 0xffffffff)).toBe(true);
    expect(nonces.spend(nonce, 1000)).toBe(false);
  });

  it('lets a nonce die of age', () => {
    let now = 1e12;
    const nonces = createNonces(() => now);
    const nonce = nonces.issue();
    now += HOUR_MS;
    expect(nonces.spend(nonce, 1)).toBe(true);
    now += 1;
    expect(nonces.spend(nonce, 2)).toBe(false);
  });

  it('knows its own nonces from others', () => {
    const nonces = createNonces(() => 1e12);
    const nonce = nonces.issue();
    const tampered = `${nonce.startsWith('A') ? 'B' : 'A'}${nonce.slice(1)}`;
    for (const other of [tampered, createNonces(() => 1e12).issue(), '', 'constructor', `${nonce}=`, `${nonce}A`]) {
      expect(nonces.spend(other, 1)).toBe(false);
    }
  });

  it('stays safe when it had to forget', () => {
    let now = 1e12;
    const nonces = createNonces(() => now);
    const first = nonces.issue();
    expect(nonces.spend(first, 1)).toBe(true);
    now += 1;
    for (let made = 0; made < 4096; made += 1) nonces.spend(nonces.issue(), 1);
    expect(nonces.spend(first, 1)).toBe(false);
    now += 1;
    expect(nonces.spend(nonces.issue(), 1)).toBe(true);
  });
});
