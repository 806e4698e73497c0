import { request } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import type { StoredEntry } from '../../../src/emulator/store/entry.ts';
import { call, linkTo, type Post, poster, signIn, start } from './rig.ts';

const LIST = '/adrive/v3/file/list';
const OPEN_LIST = '/adrive/v1.0/openFile/list';

let emulator: Emulator;
let file: StoredEntry;
let web: Post;
let open: Post;
let query: Record<string, unknown>;

beforeEach(async () => {
  emulator = await start();
  file = emulator.store.addFile(emulator.store.root(emulator.drives.backup), 'a.txt', 'Hello, world!');
  web = await signIn(emulator, 'page');
  open = await signIn(emulator, 'open');
  query = { drive_id: emulator.drives.backup, parent_file_id: 'root' };
});

describe('which calls a fault strikes', () => {
  it.each([
    ['the exact endpoint, once', { endpoint: LIST }, [500, 200]],
    ['a number of times', { endpoint: LIST, times: 2 }, [500, 500, 200]],
    ['after some have passed', { endpoint: LIST, skip: 1 }, [200, 500, 200]],
    ['every endpoint with a beginning', { endpoint: '/adrive/v3/*' }, [500, 200]],
    ['every API call', { endpoint: '*' }, [500, 200]],
    ['calls with the given fields', { endpoint: LIST, when: { parent_file_id: 'root' } }, [500, 200]],
    ['no call with other fields', { endpoint: LIST, when: { parent_file_id: 'x' } }, [200, 200]],
    ['no other endpoint', { endpoint: '/v2/file/list' }, [200, 200]],
  ] as const)('%s', async (_what, rule, statuses) => {
    emulator.faults.inject({ ...rule, kind: 'answer', status: 500 });
    for (const status of statuses) expect((await web(LIST, query)).status).toBe(status);
  });

  it('all until it is cleared', async () => {
    const id = emulator.faults.inject({ endpoint: LIST, times: 'always', kind: 'answer', status: 500 });
    for (let round = 0; round < 5; round++) expect((await web(LIST, query)).status).toBe(500);
    expect(emulator.faults.list()).toEqual([expect.objectContaining({ id, left: 'always', endpoint: LIST })]);
    emulator.faults.clear(id);
    expect((await web(LIST, query)).status).toBe(200);
  });

  it.each([
    { endpoint: 'storage', kind: 'half-json' },
    { endpoint: LIST, kind: 'oss-error', name: 'expired' },
    { endpoint: 'storage', kind: 'lost-answer', how: 'reset' },
    { endpoint: 'upload', kind: 'task', state: 'Failed' },
  ] as const)('none when the endpoint cannot suffer it: %o', (fault) => {
    expect(() => emulator.faults.inject(fault)).toThrow(/cannot suffer/);
  });
});

describe('answers of the API', () => {
  it.each([
    ['JSON', { body: { message: 'no code' } }, 'application/json; charset=utf-8', '{"message":"no code"}'],
    ['plain text', { body: 'Bad Gateway' }, 'text/plain; charset=utf-8', 'Bad Gateway'],
    ['HTML', { body: '<html>', headers: { 'Content-Type': 'text/html' } }, 'text/html', '<html>'],
    ['nothing', {}, null, ''],
  ])('of any status with %s', async (_what, rest, type, text) => {
    emulator.faults.inject({ endpoint: LIST, kind: 'answer', status: 502, ...rest });
    const answer = await web(LIST, query);
    expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([502, type, text]);
  });

  it('that are errors of the contract, in the words of each dialect', async () => {
    emulator.faults.inject({ endpoint: '*', times: 2, kind: 'error', code: 'NotFound.File' });
    expect((await web(LIST, query)).status).toBe(404);
    const answer = await open(OPEN_LIST, query);
    expect([answer.status, answer.json]).toEqual([
      400,
      {
        code: 'NotFound.File',
        message: 'The resource file cannot be found. file not exist',
        requestId: expect.stringMatching(/^[0-9a-f]{30}$/),
      },
    ]);
  });

  it('that throttle: the web API says nothing, the open API how long to wait', async () => {
    emulator.faults.inject({ endpoint: LIST, kind: 'throttle' });
    emulator.faults.inject({ endpoint: OPEN_LIST, kind: 'throttle', retryAfterMs: 1500 });
    const mute = await web(LIST, query);
    expect([mute.status, mute.text, mute.headers.get('x-retry-after')]).toEqual([429, '', null]);
    const told = await open(OPEN_LIST, query);
    expect([told.status, told.json.code, told.headers.get('x-retry-after')]).toEqual([429, 'TooManyRequests', '1500']);
  });

  it('whose JSON ends in the middle', async () => {
    emulator.faults.inject({ endpoint: LIST, kind: 'half-json' });
    const answer = await web(LIST, query);
    expect([answer.status, answer.json]).toEqual([200, undefined]);
    expect(answer.text.startsWith('{"items":[')).toBe(true);
  });

  it.each(['reset', 'cut', 'reset-after'] as const)('that never come whole: %s', async (kind) => {
    emulator.faults.inject({ endpoint: LIST, bytes: 10, kind });
    await expect(web(LIST, query)).rejects.toThrow();
    expect((await web(LIST, query)).status).toBe(200);
  });

  it.each(['hang', 'stall'] as const)('that never end: %s', async (kind) => {
    emulator.faults.inject({ endpoint: '/v2/user/get', bytes: 10, kind });
    const signal = AbortSignal.timeout(200);
    const body = call(`${emulator.apiUrl}/v2/user/get`, { method: 'POST', body: '{}', signal });
    await expect(body).rejects.toThrow(/timeout/i);
  });

  it('that are slow', async () => {
    emulator.faults.inject({ endpoint: LIST, kind: 'delay', ms: 150 });
    const startedAt = performance.now();
    expect((await web(LIST, query)).status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThan(140);
  });

  it('with fields that are missing, null or new', async () => {
    const set = { created_at: null, surprise: { deep: [1] }, next_marker: null };
    emulator.faults.inject({ endpoint: LIST, kind: 'patch', set, remove: ['size'] });
    const { json } = await web(LIST, query);
    expect(json.next_marker).toBeNull();
    expect(json).not.toHaveProperty('surprise');
    expect(json.items[0]).toMatchObject({ name: 'a.txt', created_at: null, surprise: { deep: [1] } });
    expect(json.items[0]).not.toHaveProperty('size');
    emulator.faults.inject({ endpoint: '/v2/user/get', kind: 'patch', remove: ['resource_drive_id'] });
    expect((await web('/v2/user/get')).json).not.toHaveProperty('resource_drive_id');
  });
});

describe('the storage host', () => {
  let url: string;

  beforeEach(async () => {
    url = await linkTo(open, 'open', file);
  });

  it.each([
    ['expired', 403, 'Request has expired.'],
    ['refererForeign', 403, 'denied by bucket referer policy'],
    ['tooMany', 403, 'ExceedMaxConcurrency'],
    ['noSuchKey', 404, 'NoSuchKey'],
    ['internalError', 500, 'InternalError'],
  ] as const)('refuses: %s', async (name, status, text) => {
    emulator.faults.inject({ endpoint: 'storage', kind: 'oss-error', name });
    const answer = await call(url);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(text);
    expect((await call(url)).status).toBe(200);
  });

  it.each([
    ['cut', 5],
    ['reset-after', 5],
    ['cut', 0],
  ] as const)('breaks a body off: %s after %i bytes', async (kind, bytes) => {
    emulator.faults.inject({ endpoint: 'storage', kind, bytes });
    const { promised, received, ended } = await readBroken(url);
    expect([promised, received, ended]).toEqual([13, 'Hello'.slice(0, bytes), 'broken']);
    await expect.poll(() => emulator.calls.bodies.open).toBe(0);
  });

  it('stalls in the middle of a body', async () => {
    emulator.faults.inject({ endpoint: 'storage', kind: 'stall', bytes: 5, when: { f: file.fileId } });
    const { received, ended } = await readBroken(url, 200);
    expect([received, ended]).toEqual(['Hello', 'given up']);
    await expect.poll(() => emulator.calls.bodies.open).toBe(0);
  });

  it('answers anything', async () => {
    emulator.faults.inject({ endpoint: 'storage', kind: 'answer', status: 503, body: '<Error/>' });
    const answer = await call(url);
    expect([answer.status, answer.text]).toEqual([503, '<Error/>']);
  });
});

describe('the whole service', () => {
  it('goes offline and comes back at the same addresses', async () => {
    await emulator.setOffline(true);
    for (const url of [emulator.apiUrl, emulator.authUrl, emulator.openUrl, emulator.storageUrl]) {
      await expect(poster(url)('/')).rejects.toThrow();
    }
    await emulator.setOffline(false);
    expect((await web(LIST, query)).status).toBe(200);
  });
});

interface Broken {
  readonly promised: number;
  readonly received: string;
  readonly ended: 'whole' | 'broken' | 'given up';
}

/** Reads what comes of a body, until it ends or the patience does. */
function readBroken(url: string, patienceMs = 5000): Promise<Broken> {
  return new Promise((resolve) => {
    const sent = request(url, { agent: false }, (response) => {
      let received = '';
      const promised = Number(response.headers['content-length']);
      const end = (ended: Broken['ended']) => {
        clearTimeout(timer);
        sent.destroy();
        resolve({ promised, received, ended });
      };
      const timer = setTimeout(() => end('given up'), patienceMs);
      response.setEncoding('utf8').on('data', (chunk: string) => {
        received += chunk;
      });
      response.once('end', () => end('whole')).once('error', () => end('broken'));
    });
    sent.once('error', () => resolve({ promised: -1, received: '', ended: 'broken' }));
    sent.end();
  });
}
