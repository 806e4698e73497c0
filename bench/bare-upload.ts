import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { beginUpload, type UploadPlace } from './open-api.ts';

const agent = new Agent({ keepAlive: true });

/** Pipes a body to the storage host as it comes, part by part, and computes its SHA-1. */
export async function pipeUpload(
  incoming: IncomingMessage,
  response: ServerResponse,
  place: UploadPlace,
  { name, partSizeBytes }: { readonly name: string; readonly partSizeBytes: number },
): Promise<void> {
  const sizeBytes = Number(incoming.headers['content-length']);
  const upload = await beginUpload(place, name, sizeBytes, partSizeBytes);
  const hash = createHash('sha1');
  let part: ClientRequest | undefined;
  let answered: Promise<unknown> | undefined;
  let number = 0;
  let sentBytes = 0;
  let endBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    hash.update(chunk);
    let at = 0;
    while (at < chunk.length) {
      if (!part) {
        endBytes = Math.min(sizeBytes, sentBytes + partSizeBytes);
        const headers = { 'Content-Length': endBytes - sentBytes };
        part = send(upload.partUrls[number++] ?? '', { method: 'PUT', agent, headers });
        answered = readAnswer(part);
      }
      const piece = chunk.subarray(at, at + endBytes - sentBytes);
      at += piece.length;
      sentBytes += piece.length;
      if (!part.write(piece)) await once(part, 'drain');
      if (sentBytes < endBytes) continue;
      part.end();
      part = undefined;
      await answered;
    }
  }
  await upload.complete();
  response.writeHead(201, { ETag: `"${hash.digest('hex')}"`, 'Content-Length': 0 }).end();
}

async function readAnswer(part: ClientRequest): Promise<void> {
  const [answer] = (await once(part, 'response')) as [IncomingMessage];
  if (answer.statusCode !== 200) throw new Error(`a part was answered ${answer.statusCode}`);
  answer.resume();
  await once(answer, 'end');
}
