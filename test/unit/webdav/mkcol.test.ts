import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { entryOf, file } from './memory-tree.ts';
import { serveWrites } from './serve-writes.ts';

const start = () => serveWrites({ a: { 'f.txt': file() } });

describe('MKCOL', () => {
  it.each(['/a/new', '/a/new/', '/a/%E6%96%87%20%26'])('of %s makes a folder', async (target) => {
    const served = await start();
    const answer = await served.request('MKCOL', target);
    expect(answer).toMatchObject({ status: 201, headers: { 'content-length': '0' } });
    expect(served.tree.peek(decodeURI(target).replace(/%26/, '&').replace(/\/$/, ''))?.entry.kind).toBe('folder');
    expect(served.writer.claims).toBe(0);
  });

  it.each([
    ['/', {}, '', 405],
    ['/a', {}, '', 405],
    ['/a/f.txt', {}, '', 405],
    ['/gone/new', {}, '', 409],
    ['/a/f.txt/new', {}, '', 409],
    ['/a/new', {}, '<mkcol/>', 415],
    ['/a/new', { 'Transfer-Encoding': 'chunked' }, '0\r\n\r\n', 415],
    ['/a/new', { If: '(<urn:uuid:none>)' }, '', 412],
  ])('of %s with %j and the body %j is %i', async (target, headers, body, status) => {
    const served = await start();
    const answer =
      'Transfer-Encoding' in headers
        ? Number(
            (
              await served.send(
                `MKCOL ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
              )
            ).slice(9, 12),
          )
        : (await served.request('MKCOL', target, headers, body)).status;
    expect(answer).toBe(status);
    expect(served.paths()).toEqual(['/a', '/a/f.txt']);
    expect(served.writer.claims).toBe(0);
  });

  it('needs the token of a lock on the folder, or on its own free name', async () => {
    const served = await start();
    const token = await served.lock('/a', { depth: '0' });
    expect((await served.request('MKCOL', '/a/new')).status).toBe(423);
    expect((await served.request('MKCOL', '/a/new', { If: `</a> (<${token}>)` })).status).toBe(201);
    const own = await served.lock('/b');
    expect((await served.request('MKCOL', '/b')).status).toBe(423);
    expect((await served.request('MKCOL', '/b', { If: `(<${own}>)` })).status).toBe(201);
  });

  it('is 405 when somebody else was faster, here or elsewhere', async () => {
    const served = await start();
    served.writer.beforeClaimed = () => served.tree.place('/a/new', entryOf('new', { id: 'theirs' }));
    expect((await served.request('MKCOL', '/a/new')).status).toBe(405);
    served.writer.beforeClaimed = () => {};
    served.writer.error = new DriveError('already-exists', 'made elsewhere');
    expect((await served.request('MKCOL', '/a/other')).status).toBe(405);
  });

  it.each([
    ['name-refused', 400],
    ['forbidden', 403],
    ['quota-exhausted', 507],
    ['unavailable', 503],
  ] as const)('that fails with %s is %i', async (code, status) => {
    const served = await start();
    served.writer.error = new DriveError(code, 'as it is');
    expect((await served.request('MKCOL', '/a/new')).status).toBe(status);
  });

  it('that cannot ask is 503', async () => {
    const served = await start();
    served.tree.getError = new DriveError('unavailable', 'nobody answers');
    expect((await served.request('MKCOL', '/a/new')).status).toBe(503);
  });
});
