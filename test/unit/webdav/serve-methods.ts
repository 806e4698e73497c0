import type { Slot } from '../../../src/tree/slot.ts';
import { writeError } from '../../../src/webdav/errors.ts';
import type { Exchange, MethodHandler } from '../../../src/webdav/method.ts';
import { createLock } from '../../../src/webdav/methods/lock.ts';
import { createPropfind } from '../../../src/webdav/methods/propfind.ts';
import { createProppatch } from '../../../src/webdav/methods/proppatch.ts';
import { createUnlock } from '../../../src/webdav/methods/unlock.ts';
import type { Writer } from '../../../src/webdav/ports.ts';
import {
  type CheckPreconditions,
  createPreconditions,
  type Submitted,
  type WriteTarget,
} from '../../../src/webdav/preconditions.ts';
import { parseRequestTarget } from '../../../src/webdav/request-target.ts';
import { entryOf, type MemoryTree } from './memory-tree.ts';
import { type Served, serveHandle } from './serve.ts';
import { createState, type TestState } from './state.ts';

export interface ServedMethods extends Served, TestState {
  readonly check: CheckPreconditions;
  readonly held: string[];
  /** Thrown by the next `hold`. */
  holdError: unknown;
  /** What SEARCH, which here only checks its preconditions, is about to do; and what it was shown. */
  targets: readonly WriteTarget[];
  submitted: Submitted | undefined;
}

/** Serves the methods that work with locks and properties over a tree that can hold empty files, and nothing else. */
export async function serveMethods(tree: MemoryTree, now: () => number = Date.now): Promise<ServedMethods> {
  const state = createState(now);
  const { locks, properties } = state;
  const check = createPreconditions({ tree, locks });
  const writer: Pick<Writer, 'claim' | 'hold'> = {
    claim: async () => () => {},
    async hold(slot: Slot) {
      if (serving.holdError !== undefined) throw serving.holdError;
      serving.held.push(slot.path);
      const entry = entryOf(slot.name, {
        kind: 'file',
        parentId: slot.parent.entry.id,
        driveId: slot.parent.entry.driveId,
      });
      tree.place(slot.path, entry);
      return entry;
    },
  };
  const methods: Readonly<Record<string, MethodHandler>> = {
    PROPFIND: createPropfind({ tree, locks, properties, now }),
    PROPPATCH: createProppatch({ tree, properties, check }),
    LOCK: createLock({ tree, writer: writer as Writer, locks, check, now }),
    UNLOCK: createUnlock({ locks, check }),
    // node:http knows this name and nothing of ours has it.
    SEARCH: async (exchange: Exchange) => {
      serving.submitted = await check(exchange, serving.targets);
      exchange.response.writeHead(204).end();
    },
  };
  const served = await serveHandle(async (request, response, record) => {
    const { signal } = new AbortController();
    try {
      const target = parseRequestTarget(request.url ?? '', request.method ?? '');
      await methods[request.method ?? '']?.({ request, response, record, signal, ...target });
    } catch (error) {
      record.error = error;
      writeError(response, error);
    }
  });
  const serving: ServedMethods = Object.assign(served, state, {
    check,
    held: [],
    holdError: undefined,
    targets: [],
    submitted: undefined,
  });
  return serving;
}
