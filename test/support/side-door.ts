import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { StoredEntry } from '../../src/emulator/store/entry.ts';
import type { Stack } from './stack.ts';

/** A server in front of the program that does some of the writing in its place. */
export interface SideDoor {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Lets a client write to the emulated backup drive as the service's own app would: PUT, MKCOL and DELETE reach the drive's
 * store, everything else the program, unchanged.
 */
export async function openSideDoor(stack: Stack): Promise<SideDoor> {
  const server = createServer((incoming, response) => {
    const write = WRITERS[incoming.method ?? ''];
    if (!write) {
      forward(stack, incoming, response);
      return;
    }
    incoming.toArray().then(
      (chunks) => response.writeHead(write(stack, pathOf(incoming), Buffer.concat(chunks))).end(),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Writer = (stack: Stack, names: readonly string[], body: Buffer) => number;

const WRITERS: Readonly<Record<string, Writer>> = {
  MKCOL(stack, names) {
    const parent = find(stack, names.slice(0, -1));
    if (!parent) return 409;
    if (find(stack, names)) return 405;
    stack.emulator.store.addFolder(parent, names.at(-1) ?? '');
    return 201;
  },
  PUT(stack, names, body) {
    const parent = find(stack, names.slice(0, -1));
    if (!parent) return 409;
    const known = find(stack, names);
    if (known) stack.emulator.store.replaceContent(known, body);
    else stack.emulator.store.addFile(parent, names.at(-1) ?? '', body);
    return known ? 204 : 201;
  },
  DELETE(stack, names) {
    const entry = find(stack, names);
    if (entry) stack.emulator.store.trash(entry);
    return entry ? 204 : 404;
  },
};

function pathOf({ url = '/' }: IncomingMessage): string[] {
  return url.split('/').filter(Boolean).map(decodeURIComponent);
}

function find({ emulator: { store, drives } }: Stack, names: readonly string[]): StoredEntry | undefined {
  let entry: StoredEntry | undefined = store.root(drives.backup);
  for (const name of names) entry = entry && store.findChild(entry, name);
  return entry;
}

function forward(stack: Stack, incoming: IncomingMessage, response: ServerResponse): void {
  const { hostname, port } = new URL(stack.url);
  const { method, url: path, rawHeaders } = incoming;
  const outgoing = request({ hostname, port, method, path, headers: rawHeaders, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    pipeline(answer, response).catch(() => response.destroy());
  });
  pipeline(incoming, outgoing).catch(() => response.destroy());
}
