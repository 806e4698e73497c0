import { describe, expect, it } from 'vitest';
import { evaluateIf, parseIfHeader, submittedTokens } from '../../../src/webdav/if-header.ts';

const TOKEN = 'urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2';
const token = (value: string, isNegated = false) => ({ isNegated, kind: 'token', value });
const etag = (value: string, isNegated = false) => ({ isNegated, kind: 'etag', value });

describe('parseIfHeader', () => {
  it.each([
    [`(<${TOKEN}>)`, [{ conditions: [token(TOKEN)] }]],
    [`  ( \t<${TOKEN}> ["I am an ETag"] )`, [{ conditions: [token(TOKEN), etag('"I am an ETag"')] }]],
    [`(<${TOKEN}>["a"])(["b"])`, [{ conditions: [token(TOKEN), etag('"a"')] }, { conditions: [etag('"b"')] }]],
    [`(Not <${TOKEN}> <urn:x>)`, [{ conditions: [token(TOKEN, true), token('urn:x')] }]],
    ['(NOT<DAV:no-lock>)', [{ conditions: [token('DAV:no-lock', true)] }]],
    ['(["]"] [W/"]) ("])', [{ conditions: [etag('"]"'), etag('W/"]) ("')] }]],
    ['(["]"])', [{ conditions: [etag('"]"')] }]],
    [
      `</a%20b/%e6%96%87> (<${TOKEN}>) (Not ["x"]) <http://u:p@host:8080/c/?q=(>(<urn:y>)`,
      [
        { path: '/a b/文', conditions: [token(TOKEN)] },
        { path: '/a b/文', conditions: [etag('"x"', true)] },
        { path: '/c', conditions: [token('urn:y')] },
      ],
    ],
    ['<https://host> (<urn:x>)', [{ path: '/', conditions: [token('urn:x')] }]],
  ])('%s', (header, lists) => {
    expect(parseIfHeader(header)).toEqual(lists.map((list) => ({ path: undefined, ...list })));
  });

  it.each([
    '',
    '  ',
    '()',
    `<${TOKEN}>`,
    TOKEN,
    `(${TOKEN})`,
    `(<${TOKEN}>`,
    `<${TOKEN}>)`,
    '(<>)',
    '(<no-scheme>)',
    '(<urn:with blank>)',
    '(<urn:uuid:文>)',
    '(Not)',
    '(Not Not <urn:x>)',
    '(["a)',
    '(["a"x])',
    '(["a" "b"])',
    '([a])',
    '(<urn:x>) </a> (<urn:x>)',
    '</a> </b> (<urn:x>)',
    '</a>',
    '<> (<urn:x>)',
    '<a> (<urn:x>)',
    '</%zz> (<urn:x>)',
    '</a/../b> (<urn:x>)',
    '</a#b> (<urn:x>)',
    '(<urn:x>),(<urn:y>)',
    `${'('.repeat(10_000)}`,
    Array.from({ length: 33 }, (_, index) => `</${index}> (<urn:x>)`).join(' '),
  ])('refuses %j', (header) => {
    expect(() => parseIfHeader(header)).toThrow(expect.objectContaining({ name: 'DavError', status: 400 }));
  });

  it('is quick about a header that means harm', () => {
    const startedAt = performance.now();
    for (const unit of ['(Not ', '<urn:', '["', '(<urn:x>)', ' ', '[W/"" ', '<http://']) {
      try {
        parseIfHeader(unit.repeat(20_000));
      } catch {
        // Only the time is of interest.
      }
    }
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});

describe('evaluateIf', () => {
  const locks: Record<string, string[]> = { '/a': ['urn:a', 'urn:above'], '/b': ['urn:b'] };
  const etags: Record<string, string> = { '/a': '"tag"' };

  async function evaluate(header: string): Promise<[boolean, string[]]> {
    const asked: string[] = [];
    const facts = {
      tokensOf: async (path: string) => new Set(locks[path] ?? []),
      etagOf: async (path: string) => {
        asked.push(path);
        return etags[path];
      },
    };
    return [await evaluateIf(parseIfHeader(header), '/a', facts), asked];
  }

  it.each([
    ['(<urn:a>)', true],
    ['(<urn:above>)', true],
    ['(<urn:b>)', false],
    ['(<urn:a> ["tag"])', true],
    ['(<urn:a> ["other"])', false],
    ['(<urn:a> ["other"]) (["tag"])', true],
    ['([W/"tag"])', false],
    ['(<urn:b>) (Not <DAV:no-lock>)', true],
    ['(<DAV:no-lock>)', false],
    ['(Not <urn:a>)', false],
    ['(Not ["tag"])', false],
    ['(Not ["other"] <urn:a>)', true],
    ['</b> (<urn:b>)', true],
    ['</b> (<urn:a>)', false],
    ['</b> (<urn:a>) </a> (<urn:a>)', true],
    ['</gone> (["x"])', false],
    ['</gone> (Not ["x"])', true],
  ])('%s is %s', async (header, expected) => {
    expect((await evaluate(header))[0]).toBe(expected);
  });

  it('asks for the ETag of a resource once, and not where it does not matter', async () => {
    expect(await evaluate('(["x"]) (["y"])')).toEqual([false, ['/a']]);
    expect(await evaluate('(<urn:b> ["tag"]) (<urn:a>)')).toEqual([true, []]);
  });

  it('does not take a failure to ask for an answer', async () => {
    const facts = {
      tokensOf: async () => new Set<string>(),
      etagOf: async () => {
        throw new Error('no network');
      },
    };
    await expect(evaluateIf(parseIfHeader('(Not ["x"])'), '/a', facts)).rejects.toThrow('no network');
  });
});

describe('submittedTokens', () => {
  it('are all that are named for whatever resource, but for those that are denied', () => {
    const lists = parseIfHeader('</x> (<urn:a> ["e"]) (<urn:b>) </y> (Not <DAV:no-lock> <urn:c>) (Not <urn:d>)');
    expect([...submittedTokens(lists)]).toEqual(['urn:a', 'urn:b', 'urn:c']);
  });
});
