import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePath } from '../support/demo.ts';
import { runLitmus } from '../support/litmus.ts';
import { describeWith } from '../support/programs.ts';
import { makeScratch, removeScratch } from '../support/scratch.ts';
import { LOGIN_KINDS, type Stack, startStack } from '../support/stack.ts';

/** How many tests each suite of litmus 0.13 has. */
const SUITES = [
  ['basic', 16],
  ['copymove', 13],
  ['props', 30],
  ['locks', 41],
  ['http', 4],
] as const;

describeWith(['litmus'], 'litmus', () => {
  describe.each(LOGIN_KINDS)('over a login of kind %s', (kind) => {
    let stack: Stack;
    let scratch: string;

    beforeAll(async () => {
      stack = await startStack({ kind });
      const { store, drives } = stack.emulator;
      store.addFolder(store.addFolder(store.root(drives.backup), '测试'), 'a b');
      scratch = await makeScratch();
    });
    afterAll(async () => {
      await stack?.close();
      if (scratch) await removeScratch(scratch);
    });

    describe.each(['/', '/测试/a b/'])('in %s', (folder) => {
      it.each(SUITES)('passes all of %s without a warning', { timeout: 120_000 }, async (suite, count) => {
        const { tests, warnings } = await runLitmus(suite, stack.url + encodePath(folder), scratch);
        expect(tests.filter(({ result }) => result !== 'pass')).toEqual([]);
        expect(warnings).toEqual([]);
        expect(tests).toHaveLength(count);
      });
    });
  });
});
