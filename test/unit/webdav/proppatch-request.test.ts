import { describe, expect, it } from 'vitest';
import { parseProppatch } from '../../../src/webdav/proppatch-request.ts';

const update = (inner: string) =>
  `<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:">${inner}</D:propertyupdate>`;
const set = (inner: string) => update(`<D:set><D:prop>${inner}</D:prop></D:set>`);
const AT = Date.UTC(2025, 9, 9, 17, 54, 43);

describe('parseProppatch', () => {
  it('keeps the order of the document over all its blocks', () => {
    const body = update(
      '<D:set><D:prop><a xmlns="urn:x">1<b/></a></D:prop></D:set><D:remove><D:prop><Z:c/><d/></D:prop></D:remove>' +
        '<unknown/><D:set><D:prop xml:lang="de"><Z:a>2</Z:a></D:prop><D:prop><e/></D:prop></D:set>',
    );
    const names = parseProppatch(body).map(({ name, changes }) => [name.namespace, name.name, changes?.[0]?.kind]);
    expect(names).toEqual([
      ['urn:x', 'a', 'set'],
      ['urn:schemas-microsoft-com:', 'c', 'remove'],
      ['', 'd', 'remove'],
      ['urn:schemas-microsoft-com:', 'a', 'set'],
      ['', 'e', 'set'],
    ]);
    const xml = parseProppatch(body).flatMap(({ changes = [] }) =>
      changes.flatMap((change) => (change.kind === 'set' ? [change.property.xml] : [])),
    );
    expect(xml).toEqual([
      '<a xmlns="urn:x">1<b/></a>',
      '<Z:a xmlns:Z="urn:schemas-microsoft-com:" xml:lang="de">2</Z:a>',
      '<e/>',
    ]);
  });

  it.each([
    ['<D:getlastmodified>Thu, 09 Oct 2025 17:54:43 GMT</D:getlastmodified>', AT],
    ['<D:getlastmodified> 2025-10-09T17:54:43Z </D:getlastmodified>', AT],
    ['<D:getlastmodified>2025-10-09T19:54:43.5+02:00</D:getlastmodified>', AT + 500],
    ['<D:lastmodified>1760032483</D:lastmodified>', AT],
    ['<lastmodified xmlns="DAV:">1760032483.25</lastmodified>', AT + 250],
    ['<D:getlastmodified>2025-10-09</D:getlastmodified>', undefined],
    ['<D:getlastmodified>yesterday</D:getlastmodified>', undefined],
    ['<D:getlastmodified/>', undefined],
    ['<D:getlastmodified>0000-01-01T00:00:00Z</D:getlastmodified>', undefined],
    ['<D:lastmodified>0</D:lastmodified>', undefined],
    ['<D:lastmodified>-5</D:lastmodified>', undefined],
    ['<D:lastmodified>999999999999</D:lastmodified>', undefined],
    ['<D:lastmodified>NaN</D:lastmodified>', undefined],
  ])('%s', (element, at) => {
    const [instruction] = parseProppatch(set(element));
    expect(instruction?.changes).toEqual(at === undefined ? undefined : [{ kind: 'modified-at', at }]);
  });

  it("Explorer's time counts and is kept, and one that cannot be read is only kept", () => {
    const element = (value: string) => `<Z:Win32LastModifiedTime>${value}</Z:Win32LastModifiedTime>`;
    const kinds = (value: string) => parseProppatch(set(element(value)))[0]?.changes?.map(({ kind }) => kind);
    expect(kinds('Thu, 09 Oct 2025 17:54:43 GMT')).toEqual(['modified-at', 'set']);
    expect(kinds('01d9')).toEqual(['set']);
  });

  it.each([
    ['nothing', update('')],
    ['no properties', set('')],
    ['an empty body', ''],
    ['another root', '<D:propfind xmlns:D="DAV:"><D:prop/></D:propfind>'],
    ['a set of no namespace', update('<set><D:prop><a/></D:prop></set>')],
  ])('refuses %s', (_what, body) => {
    expect(() => parseProppatch(body)).toThrow(expect.objectContaining({ status: 400 }));
  });
});
