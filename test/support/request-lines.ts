import type { Stack } from './stack.ts';

/** The log line of one request. */
export interface RequestLine {
  readonly method: string;
  readonly path: string;
  readonly status: number | undefined;
  readonly client: string | undefined;
  readonly delivery: string | undefined;
  readonly upstreamCalls: number;
}

export function requestLines(stack: Stack, wanted: Partial<RequestLine> = {}): RequestLine[] {
  const lines = stack.logLines.filter((line) => line.msg === 'request') as unknown as RequestLine[];
  return lines.filter((line) => Object.entries(wanted).every(([name, value]) => Reflect.get(line, name) === value));
}
