import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { throwIfAborted } from '../../../src/drive/abortable.ts';
import type { Origin } from '../../../src/drive/change.ts';
import type { Entry } from '../../../src/drive/entry.ts';
import type { TreeNode } from '../../../src/tree/node.ts';
import type { Tree } from '../../../src/webdav/ports.ts';
import { PropertyCopies } from '../../../src/webdav/property-copies.ts';
import { entryOf } from './memory-tree.ts';
import { createState } from './state.ts';

/** A folder by what is in it, a file as null. */
interface Shape {
  readonly [name: string]: Shape | null;
}

/** Two folders of one shape, of which the second is the copy; ids are paths. */
function setUp(shape: Shape) {
  const children = new Map<string, TreeNode[]>();
  const make = (id: string, content: Shape): void => {
    const nodes = Object.entries(content).map(([name, below]): TreeNode => {
      const path = `${id}/${name}`;
      if (below) make(path, below);
      return { name, entry: entryOf(name, { id: path, parentId: id, kind: below ? 'folder' : 'file' }) };
    });
    children.set(id, nodes);
  };
  for (const top of ['source', 'copy']) make(top, shape);
  const listed: string[] = [];
  const parents = new Map<string, string>();
  let beforeList = async (_id: string, _signal?: AbortSignal): Promise<void> => {};
  const tree: Pick<Tree, 'list' | 'findParents'> = {
    findParents: () => parents,
    async *list({ entry: { id } }, _options, signal) {
      listed.push(id);
      await beforeList(id, signal);
      yield children.get(id) ?? [];
    },
  };
  const { properties } = createState();
  const logged: string[] = [];
  const log = pino({}, { write: (line) => logged.push(JSON.parse(line).msg) });
  const copies = new PropertyCopies({ tree, properties, log });
  onTestFinished(() => copies.stop());
  const find = (id: string): Entry => {
    const parentId = id.slice(0, id.lastIndexOf('/'));
    const node = children.get(parentId)?.find(({ entry }) => entry.id === id);
    if (!node) throw new Error(`no ${id}`);
    return node.entry;
  };
  const say = (entry: Entry) =>
    properties.update(entry, [{ kind: 'set', property: { namespace: '', name: 'a', xml: `<a>${entry.id}</a>` } }]);
  return {
    copies,
    listed,
    parents,
    logged,
    say: (id: string) => say(find(id)),
    sayElsewhere: (parentId: string) => say(entryOf('x', { id: 'x', parentId })),
    unsay: (id: string) => properties.follow({ removed: [find(id)], placed: [] }),
    heard: async (id: string) => (await properties.of(find(id)))?.properties[0]?.xml,
    begin: (how: Origin['how'] = 'copied') => {
      const [from, to] = [entryOf('source', { id: 'source' }), entryOf('copy', { id: 'copy' })];
      copies.follow({ removed: [], placed: [to], origins: [{ how, from, to }] });
    },
    near: () => copies.nearOf(entryOf('copy', { id: 'copy' })),
    setBeforeList: (before: typeof beforeList) => {
      beforeList = before;
    },
  };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (await holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('It never came to be.');
}

const IN_DEPTH: Shape = { x: null, a: { b: { y: null }, c: {} }, d: {}, e: { f: {} } };

describe('the properties of what is in a copied folder', () => {
  it('are there at once where it is in it directly, and soon where it is deeper', async () => {
    const rig = setUp(IN_DEPTH);
    await rig.say('source/x');
    await rig.say('source/a/b/y');
    rig.begin();
    await rig.near();
    expect(await rig.heard('copy/x')).toBe('<a>source/x</a>');
    await until(async () => (await rig.heard('copy/a/b/y')) !== undefined);
    // What is behind the last of them is looked into no more.
    expect(rig.listed.toSorted()).toEqual([
      'copy',
      'copy/a',
      'copy/a/b',
      'source',
      'source/a',
      'source/a/b',
      'source/d',
      'source/e',
    ]);
    expect(rig.logged).toEqual([]);
  });

  it('cost nothing where there are none, or where nothing in it was copied', async () => {
    const rig = setUp(IN_DEPTH);
    rig.begin();
    await rig.near();
    await rig.say('source/x');
    for (const how of ['copied-alone', 'moved', 'overwritten'] as const) rig.begin(how);
    await rig.near();
    await rig.unsay('source/x');
    await rig.sayElsewhere('elsewhere');
    rig.parents.set('elsewhere', 'above').set('above', 'root');
    rig.begin();
    await rig.near();
    await rig.copies.stop();
    expect(rig.listed).toEqual([]);
  });

  it('are looked for where it is not known that they are elsewhere', async () => {
    const rig = setUp({ a: {} });
    await rig.sayElsewhere('elsewhere');
    // As after a change elsewhere: each is remembered to be in the other.
    rig.parents.set('elsewhere', 'above').set('above', 'elsewhere');
    rig.begin();
    await until(() => rig.listed.length === 2);
    expect(rig.listed).toEqual(['source', 'source/a']);
  });

  it('are given up where they cannot be read, and those of the next copy are not', async () => {
    const rig = setUp(IN_DEPTH);
    await rig.say('source/x');
    rig.setBeforeList(async () => {
      throw new Error('away');
    });
    rig.begin();
    await rig.near();
    await until(() => rig.logged.length === 1);
    rig.setBeforeList(async () => {});
    rig.begin();
    await rig.near();
    expect(await rig.heard('copy/x')).toBe('<a>source/x</a>');
  });

  it('keep nobody waiting for long, and no process from its end', async () => {
    const rig = setUp(IN_DEPTH);
    await rig.say('source/x');
    rig.setBeforeList(async (_id, signal) => {
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      throwIfAborted(signal);
    });
    rig.begin();
    const startedAt = performance.now();
    await rig.near();
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    await rig.copies.stop();
    expect(rig.logged).toHaveLength(1);
  });

  it('are looked for in so many folders alone', async () => {
    const rig = setUp(Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`${index}`, {}])));
    await rig.sayElsewhere('elsewhere');
    rig.begin();
    await until(() => rig.logged.length === 1);
    expect(rig.listed).toHaveLength(500);
  });
});
