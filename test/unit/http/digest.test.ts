import { describe, expect, it } from 'vitest';
import { computeResponse, parseDigest } from '../../../src/http/digest.ts';

/** The example of RFC 7616 §3.9.1. */
function example(algorithm: string, response: string, extra = ''): string {
  return `username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="${response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"${extra}`;
}

const MD5 = '8ca523f5e9506fed4657c9700eebdbec';
const SHA256 = '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1';

describe('computeResponse', () => {
  it.each([
    ['MD5', MD5],
    ['SHA-256', SHA256],
  ])('agrees with the RFC on %s', (algorithm, response) => {
    const parsed = parseDigest(example(algorithm, response));
    expect(parsed && computeResponse(parsed, 'GET', 'Circle of Life')).toBe(response);
    expect(parsed && computeResponse(parsed, 'PUT', 'Circle of Life')).not.toBe(response);
    expect(parsed && computeResponse(parsed, 'GET', 'circle of life')).not.toBe(response);
  });
});

describe('parseDigest', () => {
  const plain = example('MD5', MD5);

  it.each([
    ['an algorithm left out', plain.replace('algorithm=MD5, ', '')],
    ['everything quoted, as Windows does', plain.replace(/=([^",]+)(,|$)/g, '="$1"$2')],
    ['no blanks', plain.replaceAll(', ', ',')],
    ['a comma at the end', `${plain},`],
    ['upper-case hexadecimal', plain.replace(MD5, MD5.toUpperCase())],
    ['the label of the challenge before', plain.replace('algorithm=MD5', 'algorithm=SHA-256')],
  ])('takes %s', (_what, text) => {
    expect(parseDigest(text)).toMatchObject({ algorithm: 'MD5', nc: '00000001', response: MD5 });
  });

  it.each([
    ['a quoted pair', plain.replace('"Mufasa"', '"a\\"b\\\\c"'), 'a"b\\c'],
    ['raw UTF-8', plain.replace('Mufasa', Buffer.from('用户').toString('latin1')), '用户'],
    ['an extended name', plain.replace('username="Mufasa"', "username*=UTF-8''%E7%94%A8%E6%88%B7"), '用户'],
    ['a name of the prototype', plain.replace('Mufasa', '__proto__'), '__proto__'],
  ])('reads the user of %s', (_what, text, user) => {
    expect(parseDigest(text)?.user.toString()).toBe(user);
  });

  it.each([
    ['nothing', ''],
    ['rubbish', 'constructor'],
    ['no count', plain.replace('nc=00000001, ', '')],
    ['a count that is none', plain.replace('00000001', '1')],
    ['no qop (RFC 2069)', plain.replace('qop=auth, ', '')],
    ['auth-int', plain.replace('qop=auth', 'qop=auth-int')],
    ['a session algorithm', plain.replace('=MD5', '=MD5-sess')],
    ['an unknown algorithm', plain.replace('=MD5', '=constructor')],
    ['a response of another length', plain.replace(MD5, MD5.slice(1))],
    ['a parameter twice', `${plain}, nc=00000002`],
    ['both names', `${plain}, username*=UTF-8''a`],
    ['no name', plain.replace('username="Mufasa", ', '')],
    ['a broken extended name', plain.replace('username="Mufasa"', "username*=UTF-8''%E7%94")],
    ['an open quote', plain.replace('Mufasa"', 'Mufasa')],
  ])('refuses %s', (_what, text) => {
    expect(parseDigest(text)).toBeUndefined();
  });

  it('reads a hostile header in no time', () => {
    const started = Date.now();
    for (const text of [`a="${'\\"'.repeat(30_000)}`, 'a= '.repeat(20_000), `a=${' '.repeat(60_000)}x y`]) {
      expect(parseDigest(text)).toBeUndefined();
    }
    expect(Date.now() - started).toBeLessThan(500);
  });
});
