import { isDriveError } from '../drive/errors.ts';
import { DavError } from './errors.ts';
import { formatETag } from './etag.ts';
import { evaluateIf, parseIfHeader, submittedTokens } from './if-header.ts';
import type { Lock, LockSystem } from './locks.ts';
import type { Exchange } from './method.ts';
import type { Tree } from './ports.ts';

/** What a request is about to do to the resource at a path. */
export interface WriteTarget {
  readonly path: string;
  /** `create` and `remove` also change who is in the folder above; `remove` takes along all that is below. */
  readonly effect: 'content' | 'create' | 'remove';
}

/** The lock tokens that a request has shown. */
export interface Submitted {
  readonly tokens: ReadonlySet<string>;
  holds(lock: Lock): boolean;
  /** Looks at the locks once more, as they are by then: others may have been taken. @throws as the first look */
  checkLocks(): Promise<void>;
}

/**
 * Holds a request against its If header and the locks in its way (RFC 4918 §10.4, §7), before it changes anything.
 * @throws DavError 400 for a malformed header, 412 where it does not hold, 423 `lock-token-submitted` where a token is
 * missing; LockedMembersError where only something below a target is locked; DriveError where an ETag could not be had
 */
export type CheckPreconditions = (exchange: Exchange, targets: readonly WriteTarget[]) => Promise<Submitted>;

/** What is to be removed holds something that is locked: the answer names it (RFC 4918 §9.6.1). */
export class LockedMembersError extends DavError {
  /** The paths of the locked resources. */
  readonly members: readonly string[];

  constructor(locks: readonly Lock[]) {
    super(423, 'Something in this folder is locked.', { condition: 'lock-token-submitted', hrefs: hrefsOf(locks) });
    this.members = [...new Set(locks.map(({ path }) => path))];
  }
}

export interface PreconditionsDeps {
  readonly tree: Pick<Tree, 'get'>;
  readonly locks: LockSystem;
}

export function createPreconditions({ tree, locks }: PreconditionsDeps): CheckPreconditions {
  async function checkIf({ request, path, signal }: Exchange): Promise<ReadonlySet<string>> {
    const header = request.headers.if?.toString();
    if (header === undefined) return new Set();
    const lists = parseIfHeader(header);
    const isMet = await evaluateIf(lists, path, {
      tokensOf: async (resource) => new Set((await locks.covering(resource)).map(({ token }) => token)),
      etagOf: (resource) => findETag(tree, resource, signal),
    });
    if (!isMet) throw new DavError(412, 'No list of the If header holds.');
    return submittedTokens(lists);
  }

  async function checkTarget({ path, effect }: WriteTarget, holds: Submitted['holds']): Promise<void> {
    requireOne(await locks.covering(path), holds);
    if (effect === 'content') return;
    requireOne(await locks.membership(path), holds);
    if (effect === 'create') return;
    const closed: Lock[] = [];
    for (const [member, own] of groupBelow(path, await locks.within(path))) {
      if (!(await locks.covering(member)).some(holds)) closed.push(...own);
    }
    if (closed.length > 0) throw new LockedMembersError(closed);
  }

  return async (exchange, targets) => {
    const tokens = await checkIf(exchange);
    const holds = ({ token }: Lock): boolean => tokens.has(token);
    const checkLocks = async (): Promise<void> => {
      for (const target of targets) await checkTarget(target, holds);
    };
    await checkLocks();
    return { tokens, holds, checkLocks };
  };
}

/** Locks that cover the same resource are one exclusive lock or shared ones, and of those one is enough (RFC 4918 §7). */
function requireOne(covering: readonly Lock[], holds: Submitted['holds']): void {
  if (covering.length === 0 || covering.some(holds)) return;
  throw new DavError(423, 'This is locked, and the request has not shown the lock token.', {
    condition: 'lock-token-submitted',
    hrefs: hrefsOf(covering),
  });
}

function groupBelow(path: string, locks: readonly Lock[]): ReadonlyMap<string, readonly Lock[]> {
  const groups = new Map<string, Lock[]>();
  for (const lock of locks) {
    if (lock.path !== path) groups.set(lock.path, [...(groups.get(lock.path) ?? []), lock]);
  }
  return groups;
}

function hrefsOf(locks: readonly Lock[]): string[] {
  return [...new Set(locks.map(({ href }) => href))];
}

async function findETag(tree: Pick<Tree, 'get'>, path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { entry } = await tree.get(path, {}, signal);
    return entry.kind === 'file' ? formatETag(entry) : undefined;
  } catch (error) {
    if (isDriveError(error, 'not-found', 'not-a-folder')) return undefined;
    throw error;
  }
}
