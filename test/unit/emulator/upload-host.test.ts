import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import { call, codeOf, putPart, start, type Writer, writer } from './rig.ts';

const HELLO = 'Hello, world!';
const MIN = 100 * 1024;

let emulator: Emulator;
let clock: number;

beforeEach(async () => {
  clock = 1_700_000_000_000;
  emulator = await start({ deviceChecks: 'off', now: () => clock });
});

const md5 = (data: string) => `"${createHash('md5').update(data).digest('hex').toUpperCase()}"`;

/** A PUT that fetch does not make: of the given headers and of fewer bytes than they announce. */
function rawPut(url: string, headers: Record<string, string | number>, body: Buffer, abort = false): Promise<string> {
  return new Promise((resolve) => {
    const outgoing = request(url, { method: 'PUT', headers, agent: false }, (answer) => {
      answer.resume().once('end', () => resolve(String(answer.statusCode)));
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    if (!abort) {
      outgoing.end(body);
      return;
    }
    outgoing.write(body, () => setTimeout(() => outgoing.destroy(), 20));
  });
}

describe('parts', () => {
  let caller: Writer;
  let urls: string[];
  let key: Record<string, unknown>;

  beforeEach(async () => {
    caller = writer(emulator, 'open');
    const part_info_list = [1, 2, 3].map((part_number) => ({ part_number }));
    const { json } = await caller.create({ size: 2 * MIN + 1, part_info_list });
    urls = json.part_info_list.map((part: { upload_url: string }) => part.upload_url);
    key = { file_id: json.file_id, upload_id: json.upload_id };
  });

  const url = (number: number): string => urls[number - 1] ?? '';
  const storedCount = async () => (await caller.do('parts', key)).json.uploaded_parts.length;

  it('answer with the MD5 as ETag and without a body', async () => {
    const { status, headers, text } = await putPart(url(1), HELLO);
    expect([status, headers.get('etag'), text]).toEqual([200, md5(HELLO), '']);
    expect(headers.get('x-oss-request-id')).toMatch(/^[0-9A-F]{24}$/);
  });

  it('come in ascending order', async () => {
    const early = await putPart(url(2), 'x');
    expect([early.status, codeOf(early.text)]).toEqual([400, 'PartNotSequential']);
    expect(await storedCount()).toBe(0);
  });

  it('are stored once', async () => {
    await putPart(url(1), HELLO);
    const again = await putPart(url(1), 'another');
    expect([again.status, codeOf(again.text)]).toEqual([409, 'PartAlreadyExist']);
    expect(again.text).toContain(`<PartNumber>1</PartNumber><PartEtag>${md5(HELLO)}</PartEtag>`);
  });

  it('are stored once also when they come twice at a time', async () => {
    const both = await Promise.all([putPart(url(1), HELLO), putPart(url(1), HELLO)]);
    expect(both.map((answer) => answer.status).sort()).toEqual([200, 409]);
  });

  it.each<[string, (url: string) => Promise<{ status: number; text: string }>, number, string]>([
    ['any Content-Type', (at) => putPart(at, 'x', { 'Content-Type': 'text/plain' }), 403, 'SignatureDoesNotMatch'],
    ['Authorization', (at) => putPart(at, 'x', { Authorization: 'Bearer x' }), 400, 'InvalidArgument'],
    [
      'another part number',
      (at) => putPart(at.replace('partNumber=1', 'partNumber=2'), 'x'),
      403,
      'SignatureDoesNotMatch',
    ],
    ['no signature', (at) => putPart(at.replace(/&x-oss-signature=.*/, ''), 'x'), 403, 'AccessDenied'],
    ['GET', (at) => call(at), 403, 'SignatureDoesNotMatch'],
  ])('are refused with %s', async (_what, send, status, code) => {
    const answer = await send(url(1));
    expect([answer.status, codeOf(answer.text)]).toEqual([status, code]);
    expect(await storedCount()).toBe(0);
  });

  it('need a length, and store nothing where it was not kept', async () => {
    expect(await rawPut(url(1), { 'Transfer-Encoding': 'chunked' }, Buffer.from('x'))).toBe('411');
    expect(await rawPut(url(1), { 'Content-Length': 100 }, Buffer.from('x'), true)).toBe('ECONNRESET');
    expect(await storedCount()).toBe(0);
    expect((await putPart(url(1), HELLO)).status).toBe(200);
    expect(await storedCount()).toBe(1);
  });

  it('are refused after an hour, or the set time, until new URLs are asked for', async () => {
    clock += 3_600_000;
    const late = await putPart(url(1), 'x');
    expect([late.status, codeOf(late.text)]).toEqual([403, 'AccessDenied']);
    expect(late.text).toContain('Request has expired.');
    emulator.settings.uploadUrlTtlMs = 2000;
    const fresh = await caller.do('uploadUrl', { ...key, part_info_list: [{ part_number: 1 }] });
    clock += 1999;
    expect((await putPart(fresh.json.part_info_list[0].upload_url, HELLO)).status).toBe(200);
    clock += 1;
    expect((await putPart(fresh.json.part_info_list[0].upload_url, HELLO)).status).toBe(403);
  });

  it('are held back together by the bandwidth', async () => {
    emulator.settings.uploadBytesPerSecond = 1_000_000;
    const { json } = await caller.create({ name: 'b' });
    const startedAt = performance.now();
    await Promise.all([
      putPart(url(1), Buffer.alloc(100_000)),
      putPart(json.part_info_list[0].upload_url, Buffer.alloc(100_000)),
    ]);
    expect(performance.now() - startedAt).toBeGreaterThan(150);
  });

  it('count as calls of their own', async () => {
    await putPart(url(1), HELLO);
    await putPart(url(1), HELLO);
    expect(emulator.calls.snapshot().endpoints.upload?.byStatus).toEqual({ 200: 1, 409: 1 });
    expect(emulator.calls.count('storage')).toBe(0);
  });

  it('share one connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (const number of [1, 2]) {
      await new Promise<void>((resolve, reject) => {
        const outgoing = request(url(number), { method: 'PUT', agent, headers: { 'Content-Length': 5 } }, (answer) => {
          ports.add(answer.socket.localPort);
          answer.resume().once('end', resolve);
        });
        outgoing.once('error', reject).end('12345');
      });
    }
    agent.destroy();
    expect(ports.size).toBe(1);
  });
});

describe('faults of parts', () => {
  it.each(['reset', 'hang', '500'] as const)('a lost answer by %s leaves the part stored', async (how) => {
    const caller = writer(emulator, 'open');
    const { json } = await caller.create({});
    emulator.faults.inject({ endpoint: 'upload', kind: 'lost-answer', how });
    const url = json.part_info_list[0].upload_url;
    const lost = await call(url, { method: 'PUT', body: Buffer.from(HELLO), signal: AbortSignal.timeout(300) }).then(
      (answer) => `${answer.status} ${codeOf(answer.text)}`,
      () => 'no answer',
    );
    expect(lost).toBe(how === '500' ? '500 InternalError' : 'no answer');
    expect((await putPart(url, HELLO)).status).toBe(409);
    const complete = await caller.do('complete', { file_id: json.file_id, upload_id: json.upload_id });
    expect([complete.status, complete.json.size]).toEqual([200, 13]);
  });

  it.each(['reset-after', 'cut'] as const)('%s breaks off in the middle and stores nothing', async (kind) => {
    const caller = writer(emulator, 'open');
    const { json } = await caller.create({ size: 4 * MIN });
    const url = json.part_info_list[0].upload_url;
    emulator.faults.inject({ endpoint: 'upload', kind, bytes: 1000 });
    await expect(putPart(url, Buffer.alloc(4 * MIN))).rejects.toThrow();
    expect((await putPart(url, Buffer.alloc(4 * MIN))).status).toBe(200);
  });

  it('stall stops reading with the connection open', async () => {
    const caller = writer(emulator, 'open');
    const { json } = await caller.create({ size: 2 ** 24 });
    const url = json.part_info_list[0].upload_url;
    emulator.faults.inject({ endpoint: 'upload', kind: 'stall', bytes: 1000 });
    const signal = AbortSignal.timeout(300);
    await expect(call(url, { method: 'PUT', body: Buffer.alloc(2 ** 24), signal })).rejects.toThrow(/timeout/i);
  });

  it('strike uploads without downloads', async () => {
    const caller = writer(emulator, 'open');
    const { json } = await caller.create({});
    emulator.faults.inject({ endpoint: 'storage', kind: 'oss-error', name: 'internalError' });
    emulator.faults.inject({ endpoint: 'upload', kind: 'oss-error', name: 'noSuchUpload', when: { partNumber: 1 } });
    const url = json.part_info_list[0].upload_url;
    expect(codeOf((await putPart(url, HELLO)).text)).toBe('NoSuchUpload');
    expect((await putPart(url, HELLO)).status).toBe(200);
  });
});
