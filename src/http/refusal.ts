import type { ServerResponse } from 'node:http';

/** An answer of the front door itself. The message is for people and holds no secret. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** Sends a refusal as a short plain text. */
export function refuse(response: ServerResponse, { status, message, headers = {} }: Refusal): void {
  const body = Buffer.from(`${message}\n`);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // A client that was not told to continue may send no body at all: its next request would be taken for one.
  if (response.req.headers.expect !== undefined) response.setHeader('Connection', 'close');
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': body.length });
  response.end(body);
}
