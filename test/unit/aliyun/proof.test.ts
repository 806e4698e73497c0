import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { proofRange, toProofFields } from '../../../src/aliyun/proof.ts';
import { EMPTY_SHA1 } from '../../../src/drive/entry.ts';

interface Vector {
  readonly access_token: string;
  readonly data: string;
  readonly size: number;
  readonly start?: number;
  readonly end?: number;
  readonly proof_code: string;
  readonly content_hash: string;
}

const samples = new URL('../../fixtures/aliyundrive-samples.json', import.meta.url);
const { proof_vectors: vectors } = JSON.parse(readFileSync(samples, 'utf8')) as { proof_vectors: Vector[] };

/** What a vector describes in words. */
function contentOf({ data, size }: Vector): Buffer {
  const text = data.startsWith("'The quick") ? 'The quick brown fox jumps over the lazy dog. ' : 'Hello, world!';
  return Buffer.alloc(size, text);
}

describe('the proof of a content', () => {
  it.each(vectors)('$data with the access token $access_token', async (vector) => {
    const content = contentOf(vector);
    const { access_token, size, start, end } = vector;
    const range = start === undefined || end === undefined ? undefined : { first: start, last: end - 1 };
    expect(proofRange(access_token, size)).toEqual(range);
    const fields = await toProofFields(vector.content_hash.toLowerCase(), size, access_token, async ({ first, last }) =>
      content.subarray(first, last + 1),
    );
    expect(fields).toEqual({
      content_hash: vector.content_hash,
      content_hash_name: 'sha1',
      proof_code: vector.proof_code,
      proof_version: 'v1',
    });
  });

  it('reads nothing of an empty file', async () => {
    const read = () => Promise.reject(new Error('read'));
    expect(await toProofFields(EMPTY_SHA1, 0, 'T', read)).toMatchObject({ proof_code: '' });
  });
});
