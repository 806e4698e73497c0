import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePath } from '../support/demo.ts';
import { runLitmus } from '../support/litmus.ts';
import { describeWith } from '../support/programs.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { openSideDoor, type SideDoor } from '../support/side-door.ts';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';

/**
 * The tests whose verdict is about reading. Each suite begins by making a collection and putting files into it, which the
 * side door does here; `http` has nothing beyond a PUT, and so has nothing to tell of reading.
 */
const READING = [
  ['basic', ['init', 'begin', 'options', 'put_get', 'put_get_utf8_segment', 'finish']],
  ['props', ['init', 'begin', 'propfind_invalid', 'propfind_invalid2', 'propfind_d0', 'propextended', 'propwformed']],
  ['locks', ['init', 'begin', 'options', 'precond']],
] as const;

describeWith(['litmus'], 'litmus', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let door: SideDoor;
    let scratch: string;

    beforeAll(async () => {
      // What the side door writes is to be seen at once.
      stack = await startStack({ kind, env: { ALIDAV_LIST_FRESH_S: '0' } });
      const { store, drives } = stack.emulator;
      store.addFolder(store.addFolder(store.root(drives.backup), '测试'), 'a b');
      door = await openSideDoor(stack);
      scratch = await makeScratch();
    });
    afterAll(async () => {
      await door?.close();
      await stack?.close();
      if (scratch) await removeScratch(scratch);
    });

    describe.each(['/', '/测试/a b/'])('in %s', (folder) => {
      it.each(READING)('passes what of %s is reading', async (suite, names) => {
        const tests = await runLitmus(suite, door.url + encodePath(folder), scratch);
        const about = tests.filter(({ name }) => names.some((known) => known === name));
        expect(about).toEqual(names.map((name) => ({ name, result: 'pass' })));
      });
    });
  });
});
