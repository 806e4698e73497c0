import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger, type Logger, redactText } from '../../src/log.ts';

type Line = Record<string, unknown>;

function capture(write: (log: Logger) => void, format: 'json' | 'pretty' = 'json'): string {
  const sink = new PassThrough();
  write(createLogger({ log_level: 'debug', log_format: format }, false, sink));
  return String(sink.read() ?? '');
}

const lineOf = (write: (log: Logger) => void): Line => JSON.parse(capture(write)) as Line;

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl';
const HEX = '0123456789abcdef0123456789abcdef';

describe('redactText', () => {
  it.each([
    [
      'GET https://cdn.example/a/b.mp4?x-oss-expires=1&sig=hidden failed',
      'GET https://cdn.example/a/b.mp4?[redacted] failed',
    ],
    [
      '"https://cdn.example/a?sig=hidden", https://h/b?c=hidden',
      '"https://cdn.example/a?[redacted]", https://h/b?[redacted]',
    ],
    ['http://owner:hidden@nas.example/a', 'http://nas.example/a'],
    [`token ${JWT} refused`, 'token [redacted] refused'],
    [`Authorization: Bearer ${JWT}`, 'Authorization: Bearer [redacted]'],
    ['bearer opaque.hidden-1', 'Bearer [redacted]'],
    [`refresh with ${HEX}`, 'refresh with [redacted]'],
    [`refresh with ${HEX.toUpperCase()}`, 'refresh with [redacted]'],
    ['{"refresh_token":"hidden","x":1}', '{"refresh_token":"[redacted]","x":1}'],
    ['{\\"access_token\\":\\"hidden\\"}', '{\\"access_token\\":\\"[redacted]\\"}'],
    ['accessToken=hidden&x=1', 'accessToken=[redacted]&x=1'],
    ['GET /.alidav/t/hidden/a.mkv', 'GET /.alidav/t/[redacted]/a.mkv'],
    ['at http://h/.alidav//t/hidden', 'at http://h/.alidav//t/[redacted]'],
    ['"link_hidden7890abcdefghijklm-_opqrstu"', '"[redacted]"'],
  ])('%s', (text, expected) => {
    expect(redactText(text)).toBe(expected);
    expect(redactText(text)).not.toContain('hidden');
  });

  it.each([
    'nothing secret here',
    'http://127.0.0.1:8080/',
    'sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709',
    'why?',
    'link_to_a_page, /.alidav/today and /.alidav/t',
    '',
  ])('leaves "%s" alone', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('bounds what it reads', () => {
    const startedAt = Date.now();
    for (const text of ['http://', '.alidav', '/', '.alidav/t/', 'link_']) {
      expect(redactText(text.repeat(100_000)).length).toBeLessThan(20_000);
    }
    expect(Date.now() - startedAt).toBeLessThan(1_000);
  });
});

describe('createLogger', () => {
  it('hides secret fields at any depth and in any spelling', () => {
    const headers = { Authorization: 'hidden', 'Set-Cookie': 'hidden', accept: '*/*' };
    const line = lineOf((log) =>
      log.info({
        refresh_token: 'hidden',
        a: { accessToken: 'hidden', b: { c: headers } },
        list: [{ password: 'hidden' }],
      }),
    );
    expect(JSON.stringify(line)).not.toContain('hidden');
    expect(line).toMatchObject({ refresh_token: '[redacted]', a: { b: { c: { accept: '*/*' } } } });
  });

  it('cuts secrets out of texts, but keeps paths and user ids', () => {
    const line = lineOf((log) =>
      log.warn(
        { url: new URL('https://h/a?sig=hidden'), note: `was ${HEX}`, path: `/${HEX}.jpg`, userId: HEX },
        `see https://h/b?c=hidden`,
      ),
    );
    expect(line).toMatchObject({
      url: 'https://h/a?[redacted]',
      note: 'was [redacted]',
      path: `/${HEX}.jpg`,
      userId: HEX,
      msg: 'see https://h/b?[redacted]',
    });
  });

  it('cuts link tokens out of paths too', () => {
    const line = lineOf((log) => log.info({ path: '/.alidav/t/hidden/a b/c' }));
    expect(line.path).toBe('/.alidav/t/[redacted]/a b/c');
  });

  it.each(['err', 'error', 'reason'])(
    'shows an error under "%s" with its code and causes, and nothing else of it',
    (name) => {
      const cause = new Error('GET https://h/a?sig=hidden');
      const error = Object.assign(new Error(`with ${JWT}`, { cause }), {
        code: 'ECONNRESET',
        config: { headers: { Authorization: 'hidden' } },
      });
      const line = lineOf((log) => log.error({ [name]: error }, 'failed'));
      expect(line[name]).toMatchObject({
        type: 'Error',
        code: 'ECONNRESET',
        message: 'with [redacted]',
        stack: expect.stringContaining('log.test'),
        cause: { message: 'GET https://h/a?[redacted]' },
      });
      expect(JSON.stringify(line)).not.toMatch(/hidden|eyJ/);
    },
  );

  it('redacts the message of an error that is logged alone', () => {
    const line = lineOf((log) => log.error(new Error('GET https://h/a?sig=hidden')));
    expect(line.msg).toBe('GET https://h/a?[redacted]');
    expect(JSON.stringify(line)).not.toContain('hidden');
  });

  it('survives errors and objects that contain themselves', () => {
    const error = new Error('loop');
    error.cause = error;
    const object: Line = { name: 'loop' };
    object.self = object;
    expect(lineOf((log) => log.error({ error, object })).object).toMatchObject({ self: { name: 'loop' } });
  });

  it('never unfolds the objects of others', () => {
    class Request {
      readonly headers = { cookie: 'hidden' };
    }
    expect(lineOf((log) => log.info({ request: new Request(), bytes: Buffer.from('hidden') }))).toMatchObject({
      request: '[Request]',
      bytes: '[Buffer]',
    });
  });

  it('fills in what a message leaves open', () => {
    expect(lineOf((log) => log.info('listening on %s, %d', 'https://h/?a=hidden', 80)).msg).toBe(
      'listening on https://h/?[redacted], 80',
    );
  });

  it('obeys the level', () => {
    const sink = new PassThrough();
    createLogger({ log_level: 'warn', log_format: 'json' }, false, sink).info('quiet');
    expect(sink.read()).toBeNull();
  });

  it('takes one line in pretty, also for an error', () => {
    const output = capture((log) => log.info({ error: 'no such luck', cause: new Error('deep') }, 'request'), 'pretty');
    expect(output.trim().split('\n')).toEqual([expect.stringMatching(/request.*no such luck.*deep/)]);
  });

  it('is readable in pretty, with what a script waits for', () => {
    const output = capture((log) => log.info({ url: 'http://127.0.0.1:8080/' }, 'listening'), 'pretty');
    expect(output).toMatch(/INFO: listening .*http:\/\/127\.0\.0\.1:8080\//);
  });
});
