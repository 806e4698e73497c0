import { describe, expect, it } from 'vitest';
import { escapeXml } from '../../../src/webdav/xml.ts';

describe('escapeXml', () => {
  it.each([
    ['plain 文件 😀.txt', 'plain 文件 😀.txt'],
    ['a & b <c> "d"', 'a &amp; b &lt;c&gt; &quot;d&quot;'],
    ['a\tb\nc\rd', 'a&#9;b&#10;c&#13;d'],
    ['a\u0000b\u001fc\ufffed', 'a\ufffdb\ufffdc\ufffdd'],
    ['lone \ud83d surrogate', 'lone \ufffd surrogate'],
    ['😀 & 😀', '😀 &amp; 😀'],
  ])('of %j', (text, expected) => {
    expect(escapeXml(text)).toBe(expected);
  });
});
