import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { file, MemoryTree } from './memory-tree.ts';
import { type ServedMethods, serveMethods } from './serve-methods.ts';

const lockInfo = (scope = 'exclusive') =>
  `<?xml version="1.0" encoding="utf-8"?>\n<D:lockinfo xmlns:D="DAV:">\n<D:lockscope><D:${scope}/></D:lockscope>\n` +
  '<D:locktype><D:write/></D:locktype>\n<D:owner>\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>\n</D:lockinfo>\n';

let now = 0;

function start(): Promise<ServedMethods> {
  now = 1_000_000;
  return serveMethods(new MemoryTree({ a: { 'b c.txt': file(), d: {} }, 'e.txt': file() }), () => now);
}

async function take(served: ServedMethods, target: string, headers: Record<string, string> = {}, scope?: string) {
  const answer = await served.request('LOCK', target, headers, lockInfo(scope));
  return { ...answer, token: /^<(.*)>$/.exec(answer.headers['lock-token'] ?? '')?.[1] };
}

describe('LOCK', () => {
  it("of a file, as Finder's, tells the lock in its answer and in PROPFIND", async () => {
    const served = await start();
    const { status, headers, body, token } = await take(served, '/a/b%20c.txt', { Depth: '0', Timeout: 'Second-600' });
    expect([status, headers['content-type']]).toEqual([200, 'application/xml; charset=utf-8']);
    const discovery = (leftS: number) =>
      '<D:lockdiscovery><D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope>' +
      '<D:depth>0</D:depth><D:owner xmlns:D="DAV:">\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>' +
      `<D:timeout>Second-${leftS}</D:timeout><D:locktoken><D:href>${token}</D:href></D:locktoken>` +
      '<D:lockroot><D:href>/a/b%20c.txt</D:href></D:lockroot></D:activelock></D:lockdiscovery>';
    expect(body).toBe(`<?xml version="1.0" encoding="utf-8"?>\n<D:prop xmlns:D="DAV:">${discovery(600)}</D:prop>\n`);
    now += 90_500;
    const asked = '<propfind xmlns="DAV:"><prop><lockdiscovery/></prop></propfind>';
    const one = await served.request('PROPFIND', '/a/b%20c.txt', { Depth: '0' }, asked);
    expect(one.body).toContain(discovery(510));
    const folder = await served.request('PROPFIND', '/a', { Depth: '1' }, asked);
    expect(folder.body.split(discovery(510))).toHaveLength(2);
    expect(folder.body.split('<D:lockdiscovery/>')).toHaveLength(3);
  });

  it('covers a name in each of its forms', async () => {
    const served = await start();
    const { status, body, token } = await take(served, '/a/Notes.');
    expect([status, served.held]).toEqual([201, ['/a/Notes．']]);
    expect(body).toContain('<D:lockroot><D:href>/a/Notes.</D:href></D:lockroot>');
    expect((await take(served, '/a/Notes%EF%BC%8E')).status).toBe(423);
    const refresh = { If: `</a/Notes%EF%BC%8E> (<${token}>)` };
    expect((await served.request('LOCK', '/a/Notes%EF%BC%8E', refresh)).status).toBe(200);
  });

  it('without Depth is deep, and what is below inherits it', async () => {
    const served = await start();
    const { body, token } = await take(served, '/a');
    expect(body).toContain('<D:depth>infinity</D:depth>');
    expect(body).toContain('<D:lockroot><D:href>/a/</D:href></D:lockroot>');
    const { status } = await take(served, '/a/d', { Depth: '0' });
    expect(status).toBe(423);
    const asked = '<propfind xmlns="DAV:"><prop><lockdiscovery/></prop></propfind>';
    const folder = await served.request('PROPFIND', '/a', { Depth: '1' }, asked);
    expect(folder.body.split(token ?? '')).toHaveLength(4);
  });

  it('of a free name makes an empty file that waits', async () => {
    const served = await start();
    const { status, body, token } = await take(served, '/a/new.txt');
    expect([status, served.held]).toEqual([201, ['/a/new.txt']]);
    expect(body).toContain(`<D:href>${token}</D:href>`);
    expect((await served.request('PROPFIND', '/a/new.txt', { Depth: '0' })).status).toBe(207);
    expect((await take(served, '/a/new.txt')).status).toBe(423);
  });

  it('leaves no lock where the file could not be made', async () => {
    const served = await start();
    served.holdError = new DriveError('name-refused', 'no such name');
    expect((await take(served, '/a/new.txt')).status).toBe(400);
    expect(await served.locks.within('/')).toEqual([]);
  });

  it.each([
    ['/gone/new.txt', {}, 409],
    ['/e.txt/new.txt', {}, 409],
    ['/a/new/', {}, 409],
    ['/e.txt/', {}, 404],
    ['/a', { Depth: '1' }, 400],
    ['/e.txt', { If: '(<urn:x>)' }, 412],
    ['/e.txt', { If: '(' }, 400],
  ])('of %s with %j is %i', async (target, headers, status) => {
    const served = await start();
    expect((await take(served, target, headers)).status).toBe(status);
    expect([await served.locks.within('/'), served.held]).toEqual([[], []]);
  });

  it('of a free name needs the token of a lock on its folder', async () => {
    const served = await start();
    const { token } = await take(served, '/a', { Depth: '0' });
    expect((await take(served, '/a/new.txt')).body).toContain('<D:lock-token-submitted><D:href>/a/</D:href>');
    expect((await take(served, '/a/new.txt', { If: `</a> (<${token}>)` })).status).toBe(201);
  });

  it('names the conflict', async () => {
    const served = await start();
    await take(served, '/a/d', {}, 'shared');
    expect((await take(served, '/a/d', {}, 'shared')).status).toBe(200);
    const refused = await take(served, '/a/d');
    expect([refused.status, refused.headers['lock-token']]).toEqual([423, undefined]);
    expect(refused.body).toContain('<D:no-conflicting-lock><D:href>/a/d/</D:href></D:no-conflicting-lock>');
    const above = await take(served, '/a');
    expect(above.status).toBe(207);
    expect(above.body).toContain(
      '<D:response><D:href>/a/d/</D:href><D:status>HTTP/1.1 423 Locked</D:status><D:error><D:no-conflicting-lock/></D:error></D:response>',
    );
    expect(above.body).toContain('<D:href>/a/</D:href><D:status>HTTP/1.1 424 Failed Dependency</D:status>');
  });

  it('takes the body for what it is, whatever its type', async () => {
    const served = await start();
    const headers = { 'Content-Type': 'text/plain;charset=UTF-8', Timeout: 'Infinite, Second-4100000000' };
    const { status, body } = await take(served, '/e.txt', headers);
    expect([status, body.includes('<D:timeout>Second-3600</D:timeout>')]).toEqual([200, true]);
  });

  it.each(['<x/>', '<D:lockinfo xmlns:D="DAV:"/>', 'lock'])('with the body %s is 400', async (body) => {
    expect((await (await start()).request('LOCK', '/e.txt', {}, body)).status).toBe(400);
  });
});

describe('LOCK without a body', () => {
  it('prolongs the lock that its If header names', async () => {
    const served = await start();
    const { token } = await take(served, '/a', { Timeout: 'Second-600' });
    now += 599_000;
    const answer = await served.request('LOCK', '/a/b%20c.txt', { If: `(<${token}>)`, Timeout: 'Second-100' });
    expect([answer.status, answer.headers['lock-token']]).toEqual([200, undefined]);
    expect(answer.body).toContain(`<D:timeout>Second-100</D:timeout><D:locktoken><D:href>${token}</D:href>`);
    now += 100_000;
    expect((await served.request('LOCK', '/a', { If: `(<${token}>)` })).status).toBe(412);
  });

  it.each([
    [{}, 400],
    [{ If: '(<urn:x>)' }, 412],
    [{ If: '(Not <urn:x>)' }, 412],
    [{ If: '<urn:x>' }, 400],
  ])('with %j is %i', async (headers, status) => {
    const served = await start();
    await take(served, '/e.txt');
    expect((await served.request('LOCK', '/e.txt', headers)).status).toBe(status);
  });

  it('does not prolong a lock on something else', async () => {
    const served = await start();
    const { token } = await take(served, '/a');
    const answer = await served.request('LOCK', '/e.txt', { If: `</a> (<${token}>)` });
    expect([answer.status, answer.body.includes('<D:lock-token-matches-request-uri/>')]).toEqual([412, true]);
  });
});

describe('UNLOCK', () => {
  it.each([(token: string) => `<${token}>`, (token: string) => token])('ends the lock (%#)', async (format) => {
    const served = await start();
    const { token = '' } = await take(served, '/a');
    const answer = await served.request('UNLOCK', '/a/d', { 'Lock-Token': format(token) });
    expect([answer.status, await served.locks.within('/')]).toEqual([204, []]);
    expect((await take(served, '/a')).status).toBe(200);
  });

  it('refuses what names no lock here', async () => {
    const served = await start();
    const { token } = await take(served, '/a');
    for (const [target, header] of [
      ['/a', '<urn:uuid:0>'],
      ['/e.txt', `<${token}>`],
      ['/gone', '<x>'],
    ] as const) {
      const { status, body } = await served.request('UNLOCK', target, { 'Lock-Token': header });
      expect([status, body.includes('<D:lock-token-matches-request-uri/>')]).toEqual([409, true]);
    }
    expect((await served.request('UNLOCK', '/a')).status).toBe(400);
    expect((await served.request('UNLOCK', '/a', { 'Lock-Token': '' })).status).toBe(400);
    expect(await served.locks.within('/')).toHaveLength(1);
  });
});
