import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** No answer allows another origin to read it, whatever a handler sets. */
const CROSS_ORIGIN = /^access-control-/i;

/**
 * The class of all answers: those that node:http makes, with headers that each of them has unless its handler says otherwise,
 * and never with any that lets another origin read it. Headers that come with `writeHead` alone cost half of those that are
 * set one by one, so that the common ones are added there.
 */
export function createResponseClass(common: Readonly<Record<string, string>>): typeof ServerResponse<IncomingMessage> {
  return class extends ServerResponse {
    override setHeader(name: string, value: number | string | readonly string[]): this {
      return CROSS_ORIGIN.test(name) ? this : super.setHeader(name, value);
    }

    override writeHead(status: number, ...given: readonly unknown[]): this {
      const headers: Record<string, OutgoingHttpHeader> = {};
      for (const name in common) if (!this.hasHeader(name)) headers[name] = common[name] ?? '';
      const last = given.at(-1) as OutgoingHttpHeaders | undefined;
      for (const name in last) {
        const value = last[name];
        if (value !== undefined && !CROSS_ORIGIN.test(name)) headers[name] = value;
      }
      return super.writeHead(status, headers);
    }
  };
}
