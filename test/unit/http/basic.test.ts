import { describe, expect, it } from 'vitest';
import { parseBasic } from '../../../src/http/basic.ts';

const encode = (text: string) => Buffer.from(text).toString('base64');

describe('parseBasic', () => {
  it.each([
    ['user:pass', 'pass'],
    ['user:pa:ss:', 'pa:ss:'],
    [':', ''],
    ['用户:密码🔑', '密码🔑'],
    ['u:>>>???~~~', '>>>???~~~'],
    ['constructor:', ''],
  ])('%s', (text, password) => {
    const parsed = parseBasic(encode(text));
    expect([parsed?.whole.toString(), parsed?.password.toString()]).toEqual([text, password]);
  });

  it('takes base64 with + and /', () => {
    expect(encode('u:>>>???')).toMatch(/[+/]/);
    expect(parseBasic(encode('u:>>>???'))?.password.toString()).toBe('>>>???');
  });

  it.each([encode('constructor'), encode('__proto__'), '', 'a b', 'é', '====', `${encode('a:b')}===`])(
    'refuses %j',
    (text) => {
      expect(parseBasic(text)).toBeUndefined();
    },
  );
});
