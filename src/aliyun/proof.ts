import { createHash } from 'node:crypto';
import type { ByteRange } from '../drive/drive.ts';

const PROOF_BYTES = 8;

/**
 * Which bytes of a file prove to the service that one has it: they follow from the access token, as it was issued, so that
 * a proof is good with that token alone.
 * @returns undefined for an empty file, whose proof is empty
 */
export function proofRange(accessToken: string, sizeBytes: number): ByteRange | undefined {
  if (sizeBytes === 0) return undefined;
  const digits = createHash('md5').update(accessToken, 'utf8').digest('hex').slice(0, 16);
  // 64 bits: more than a number holds exactly.
  const first = Number(BigInt(`0x${digits}`) % BigInt(sizeBytes));
  return { first, last: Math.min(first + PROOF_BYTES, sizeBytes) - 1 };
}

/** The fields of a creation that claim a content: proven with the access token that they are sent with. */
export async function toProofFields(
  contentHash: string,
  sizeBytes: number,
  accessToken: string,
  readProof: (range: ByteRange) => Promise<Uint8Array>,
): Promise<object> {
  const range = proofRange(accessToken, sizeBytes);
  return {
    content_hash: contentHash.toUpperCase(),
    content_hash_name: 'sha1',
    proof_code: range ? Buffer.from(await readProof(range)).toString('base64') : '',
    proof_version: 'v1',
  };
}
