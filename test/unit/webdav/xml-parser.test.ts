import { describe, expect, it } from 'vitest';
import { DavError } from '../../../src/webdav/errors.ts';
import { parseXml } from '../../../src/webdav/xml-parser.ts';

describe('parseXml', () => {
  it('resolves namespaces exactly', () => {
    const text = `<?xml version="1.0"?><!-- c --><D:a xmlns:D="DAV:" xmlns="http://owncloud.org/ns">
      <b/><D:c><d xmlns=""/></D:c><e xmlns="http://owncloud.org/nse">text &amp; <![CDATA[<x>]]></e></D:a>`;
    expect(parseXml(text)).toEqual({
      namespace: 'DAV:',
      name: 'a',
      children: [
        { namespace: 'http://owncloud.org/ns', name: 'b', children: [] },
        { namespace: 'DAV:', name: 'c', children: [{ namespace: '', name: 'd', children: [] }] },
        { namespace: 'http://owncloud.org/nse', name: 'e', children: [] },
      ],
    });
  });

  it.each([
    ['nothing', ''],
    ['blanks', ' \n'],
    ['text', 'hello'],
    ['an unclosed element', '<a>'],
    ['a wrong end tag', '<a></b>'],
    ['two roots', '<a/><b/>'],
    ['text after the root', '<a/>x'],
    ['an undeclared prefix', '<D:a/>'],
    ['an undeclared prefix of an attribute', '<a x:y="1"/>'],
    ['a prefix for no namespace', '<a xmlns:x=""/>'],
    ['a prefix for no namespace below', '<D:a xmlns:D="DAV:"><b:c xmlns:b=""/></D:a>'],
    ['two colons', '<D:a:b xmlns:D="DAV:"/>'],
    ['an empty local name', '<D: xmlns:D="DAV:"/>'],
    ['a local name that begins with a digit', '<D:1 xmlns:D="DAV:"/>'],
    ['an attribute that is there twice by two prefixes', '<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>'],
    ['a prefix for a reserved namespace', '<a xmlns:x="http://www.w3.org/2000/xmlns/"/>'],
    ['the namespace of xml under another prefix', '<a xmlns:x="http://www.w3.org/XML/1998/namespace"/>'],
    ['an undeclared prefix that every object has', '<constructor:a/>'],
    ['an attribute of such a prefix', '<a toString:b="1"/>'],
    ['a prefix that cannot be declared', '<__proto__:a xmlns:__proto__="u"/>'],
    ['too many namespaces', `<a ${Array.from({ length: 65 }, (_, index) => `xmlns:p${index}="u"`).join(' ')}/>`],
    ['a DOCTYPE', '<!DOCTYPE a><a/>'],
    ['a DOCTYPE with entities', '<!DOCTYPE a [<!ENTITY x "y"><!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a bare ampersand', '<a>&</a>'],
    ['an unquoted attribute', '<a b=c/>'],
    ['deep nesting', `${'<a>'.repeat(101)}${'</a>'.repeat(101)}`],
  ])('refuses %s', (_what, text) => {
    expect(() => parseXml(text)).toThrow(expect.objectContaining({ name: 'DavError', status: 400 }));
  });

  it('is quick about a depth that means harm', () => {
    const text = Array.from({ length: 8_000 }, (_, depth) => `<a xmlns:p${depth}="u">`).join('');
    const startedAt = performance.now();
    expect(() => parseXml(text)).toThrow(DavError);
    expect(performance.now() - startedAt).toBeLessThan(200);
  });
});
