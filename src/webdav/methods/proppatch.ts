import type { Entry } from '../../drive/entry.ts';
import { DavError } from '../errors.ts';
import { PROTECTED_NAMES } from '../live-properties.ts';
import type { MethodHandler } from '../method.ts';
import { formatResourceHref, formatResponse, sendMultistatus } from '../multistatus.ts';
import { type Instruction, parseProppatch, TIME_KEYS } from '../proppatch-request.ts';
import { readXmlBody } from '../request-body.ts';
import { getResource } from '../resource.ts';
import type { WriteDeps } from '../write-deps.ts';
import { formatEmptyElement, formatKey } from '../xml.ts';

type ProppatchDeps = Pick<WriteDeps, 'tree' | 'properties' | 'check'>;

const OK = '200 OK';
const PROTECTED = '403 Forbidden';
const SENSELESS = '409 Conflict';
const DEPENDENT = '424 Failed Dependency';
const TOO_MUCH = '507 Insufficient Storage';

type Status = typeof OK | typeof PROTECTED | typeof SENSELESS | typeof DEPENDENT | typeof TOO_MUCH;

/** PROPPATCH (RFC 4918 §9.2): all instructions are carried out, in their order, or none. */
export function createProppatch(deps: ProppatchDeps): MethodHandler {
  return async (exchange) => {
    const { request, response, path, askedPath } = exchange;
    const instructions = parseProppatch(await readXmlBody(request));
    const node = await getResource(deps.tree, exchange);
    await deps.check(exchange, [{ path, effect: 'content' }]);
    const statuses = judge(instructions) ?? (await apply(deps, path, node.entry, instructions));
    sendMultistatus(
      response,
      formatResponse(formatResourceHref(askedPath, node), formatPropstats(instructions, statuses)),
    );
  };
}

/** @returns undefined when nothing speaks against any of them */
function judge(instructions: readonly Instruction[]): readonly Status[] | undefined {
  const faults = instructions.map(({ name, changes }): Status | undefined => {
    const key = formatKey(name);
    if (PROTECTED_NAMES.has(key) && !TIME_KEYS.has(key)) return PROTECTED;
    return changes === undefined ? SENSELESS : undefined;
  });
  return faults.some((fault) => fault !== undefined) ? faults.map((fault) => fault ?? DEPENDENT) : undefined;
}

async function apply(
  { tree, properties }: ProppatchDeps,
  path: string,
  entry: Entry,
  instructions: readonly Instruction[],
): Promise<readonly Status[]> {
  const changes = instructions.flatMap((instruction) => instruction.changes ?? []);
  try {
    await properties.update(entry, changes);
    // What was replaced meanwhile, as an empty file is by its content, has left its properties to its successor already.
    const successor = tree.peek(path)?.entry;
    if (successor && successor.id !== entry.id && successor.kind === entry.kind) {
      await properties.update(successor, changes);
    }
  } catch (error) {
    if (!(error instanceof DavError) || error.status !== 507) throw error;
    return instructions.map(({ changes }) => (changes?.some(({ kind }) => kind === 'set') ? TOO_MUCH : DEPENDENT));
  }
  return instructions.map(() => OK);
}

/** One propstat a status; a name that was there several times is told once. */
function formatPropstats(instructions: readonly Instruction[], statuses: readonly Status[]): string {
  const names = new Map<Status, Set<string>>();
  for (const [index, { name }] of instructions.entries()) {
    const status = statuses[index] ?? OK;
    names.set(status, (names.get(status) ?? new Set()).add(formatEmptyElement(name)));
  }
  return [...names]
    .map(([status, elements]) => {
      const error = status === PROTECTED ? '<D:error><D:cannot-modify-protected-property/></D:error>' : '';
      const prop = [...elements].join('');
      return `<D:propstat><D:prop>${prop}</D:prop><D:status>HTTP/1.1 ${status}</D:status>${error}</D:propstat>`;
    })
    .join('');
}
