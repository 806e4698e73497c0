import type { IncomingMessage, ServerResponse } from 'node:http';
import { withTally } from '../drive/call-signal.ts';
import type { RequestRecord } from '../log.ts';
import { writeError } from './errors.ts';
import type { Exchange, MethodHandler } from './method.ts';
import { type Mount, toTreePath } from './mount.ts';
import { parseRequestTarget, type RequestTarget } from './request-target.ts';
import { createShell, type ShellOptions } from './shell.ts';

/**
 * Answers one request whose sender was let in; resolves when the answer is sent or its connection gone.
 * @param mount where the request's URL leads, if not to the tree's own root; the URL begins with its prefix
 */
export type Dispatch = (
  request: IncomingMessage,
  response: ServerResponse,
  record: RequestRecord,
  mount?: Mount,
) => Promise<void>;

/** Brings each request to its method, and whatever the method throws to its answer. */
export function createDispatch({ methods, unknownMethod, ...options }: ShellOptions): Dispatch {
  const execute = createShell({
    ...options,
    methods: Object.fromEntries(Object.entries(methods).map(([name, handler]) => [name, guard(handler)])),
    unknownMethod: guard(unknownMethod),
  });
  return async (request, response, record, mount) => {
    if (response.destroyed) return;
    let exchange: LiveExchange | undefined;
    const closed = new Promise<void>((resolve) => {
      response.once('close', () => {
        if (!response.writableFinished) exchange?.leave();
        resolve();
      });
    });
    try {
      const target = parseRequestTarget(request.url ?? '', request.method ?? '');
      exchange = new LiveExchange(request, response, record, target, mount);
      execute(exchange);
    } catch (error) {
      record.error = error;
      writeError(response, error);
    }
    await closed;
  };
}

/** An exchange whose client may leave. */
class LiveExchange implements Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: RequestRecord;
  readonly path: string;
  readonly askedPath: string;
  readonly hasTrailingSlash: boolean;
  readonly mount: Mount | undefined;
  #departure: AbortController | undefined;
  #hasLeft = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
    target: RequestTarget,
    mount: Mount | undefined,
  ) {
    this.request = request;
    this.response = response;
    this.record = record;
    this.path = mount ? toTreePath(mount, target.path) : target.path;
    this.askedPath = target.askedPath;
    this.hasTrailingSlash = target.hasTrailingSlash;
    this.mount = mount;
  }

  /** What is answered from memory never looks at it, and to make one costs a redirect as much as its own work. */
  get signal(): AbortSignal {
    if (!this.#departure) {
      this.#departure = new AbortController();
      withTally(this.#departure.signal, this.record);
      if (this.#hasLeft) this.#departure.abort();
    }
    return this.#departure.signal;
  }

  leave(): void {
    this.#hasLeft = true;
    this.#departure?.abort();
  }
}

/** Turns whatever a method throws into its answer. */
function guard(handler: MethodHandler): MethodHandler {
  return async (exchange: Exchange) => {
    const { response, record } = exchange;
    try {
      await handler(exchange);
    } catch (error) {
      // Nobody is left to be told, and what failed is that somebody left.
      if (exchange.signal.aborted) {
        response.destroy();
        return;
      }
      record.error = error;
      writeError(response, error);
    }
  };
}
