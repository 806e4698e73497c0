import { describe, expect, it } from 'vitest';
import { parseXml } from '../../../src/webdav/xml-parser.ts';

const HIGH = '\u{10000}';

/** What is captured of the root's first child. */
function capture(text: string) {
  return parseXml(text, (ancestors) => ancestors.length === 1).children[0]?.captured;
}

describe('a captured element', () => {
  it.each([
    ['<r><a/></r>', '<a/>'],
    ['<r><a></a></r>', '<a/>'],
    ['<r><a b="1" c=\'"2"\'>t</a></r>', '<a b="1" c="&quot;2&quot;">t</a>'],
    ['<r xmlns="u"><a><b/></a></r>', '<a xmlns="u"><b/></a>'],
    ['<r xmlns="u"><a xmlns=""><b xmlns="v"/></a></r>', '<a xmlns=""><b xmlns="v"/></a>'],
    ['<D:r xmlns:D="DAV:" xmlns:x="X" xmlns:y="Y"><x:a/></D:r>', '<x:a xmlns:x="X"/>'],
    ['<r xmlns:x="1"><x:a xmlns:x="2"/></r>', '<x:a xmlns:x="2"/>'],
    ['<r xmlns:x="1"><a><x:b xmlns:x="2"/></a></r>', '<a xmlns:x="1"><x:b xmlns:x="2"/></a>'],
    ['<r xmlns:x="X" xmlns:s="S"><a s:type="x:int">1</a></r>', '<a xmlns:s="S" xmlns:x="X" s:type="x:int">1</a>'],
    ['<r xmlns:x="X" xmlns:e="E"><a>x:name, note:</a></r>', '<a xmlns:x="X">x:name, note:</a>'],
    ['<r xml:lang="en"><a>t</a></r>', '<a xml:lang="en">t</a>'],
    ['<r xml:lang="en"><a xml:lang="zh">t</a></r>', '<a xml:lang="zh">t</a>'],
    ['<r xml:space="preserve"><a xml:space="default"> t </a></r>', '<a xml:space="default"> t </a>'],
    ['<r><a> \n\t<b/> mixed <!-- c --><?pi x?>text </a></r>', '<a> \n\t<b/> mixed text </a>'],
    ['<r><a>&lt;&amp;&#65536;&#13; <![CDATA[<x>&]]]]></a></r>', `<a>&lt;&amp;${HIGH}&#13; &lt;x&gt;&amp;]]</a>`],
    ['<r><a b="&#10;&lt;\t"/></r>', '<a b="&#10;&lt;&#9;"/>'],
    ['<r><a>\u0001\u0002\uffff</a></r>', '<a>\ufffd\ufffd\ufffd</a>'],
    ['<r xmlns:x="a&amp;&quot;b"><x:a/></r>', '<x:a xmlns:x="a&amp;&quot;b"/>'],
  ])('%s', (text, xml) => {
    expect(capture(text)?.xml).toBe(xml);
  });

  it('means the same where it is repeated', () => {
    const [, first] = parseXml(
      `<o xmlns:D="other" xmlns="default">${capture('<D:r xmlns:D="DAV:"><D:a/></D:r>')?.xml ?? ''}</o>`,
    )
      .children.concat({ namespace: '', name: '', children: [] })
      .toReversed();
    expect(first).toEqual({ namespace: 'DAV:', name: 'a', children: [] });
  });

  it('knows its text', () => {
    expect(capture('<r><a> 1 <b>2</b><![CDATA[3]]> </a></r>')?.text).toBe(' 1 23 ');
  });

  it('swallows its children, and leaves its neighbours apart', () => {
    const root = parseXml('<r><a><b/></a><c/></r>', (_ancestors, { name }) => name === 'a');
    expect(root.children.map(({ name, children, captured }) => [name, children, captured?.xml])).toEqual([
      ['a', [], '<a><b/></a>'],
      ['c', [], undefined],
    ]);
  });

  it('is refused where it grows far beyond the request', () => {
    const text = `<r xmlns:x="${'u'.repeat(10_000)}">${'<x:a/>'.repeat(1_000)}</r>`;
    expect(() => capture(text)).toThrow(expect.objectContaining({ status: 413 }));
  });

  it('costs little, whatever is in it', () => {
    const prefixes = Array.from({ length: 63 }, (_, index) => `xmlns:p${index}="u"`).join(' ');
    const startedAt = performance.now();
    expect(capture(`<r ${prefixes}><a>${'<b>:</b>'.repeat(5_000)}</a></r>`)?.xml).toHaveLength(40_007);
    expect(() => capture(`<r ${prefixes}>${'<a>p1:</a>'.repeat(5_000)}</r>`)).not.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
