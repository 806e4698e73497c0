import { describe, expect, it } from 'vitest';
import { parseBasic } from '../../../src/http/basic.ts';

const encode = (text: string) => Buffer.from(text).toString('base64');

describe('parseBasic', () => {
  it.each([
    ['user:pass', 'user', 'pass'],
    ['user:pa:ss:', 'user', 'pa:ss:'],
    [':', '', ''],
    ['用户:密码🔑', '用户', '密码🔑'],
    ['u:>>>???~~~', 'u', '>>>???~~~'],
    ['constructor:', 'constructor', ''],
  ])('%s', (text, user, password) => {
    const parsed = parseBasic(encode(text));
    expect([parsed?.user.toString(), parsed?.password.toString()]).toEqual([user, password]);
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
