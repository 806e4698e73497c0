import { isRecord } from './api-request.ts';
import type { FaultAction } from './faults.ts';
import type { Reply } from './reply.ts';

type Patch = Extract<FaultAction, { kind: 'patch' }>;

/** Spoils a successful answer: a field that it has itself there, any other one in each of its items. */
export function patchReply(reply: Reply, patches: readonly Patch[]): Reply {
  if (patches.length === 0 || reply.status >= 300 || !isRecord(reply.body)) return reply;
  return { ...reply, body: patches.reduce(patchBody, reply.body) };
}

function patchBody(body: Record<string, unknown>, patch: Patch): Record<string, unknown> {
  const { items } = body;
  if (!Array.isArray(items)) return patchFields(body, patch, () => true);
  const isOwn = (name: string) => name in body;
  const patched = items.map((item: unknown) =>
    isRecord(item) ? patchFields(item, patch, (name) => !isOwn(name)) : item,
  );
  return patchFields({ ...body, items: patched }, patch, isOwn);
}

function patchFields(
  fields: Record<string, unknown>,
  patch: Patch,
  concerns: (name: string) => boolean,
): Record<string, unknown> {
  const kept = Object.entries(fields).filter(([name]) => !(patch.remove?.includes(name) && concerns(name)));
  const set = Object.entries(patch.set ?? {}).filter(([name]) => concerns(name));
  return Object.fromEntries([...kept, ...set]);
}
