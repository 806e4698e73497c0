/** An answer before it is written. */
export interface Reply {
  readonly status: number;
  /** Written as JSON; a string is written as it is, undefined as nothing. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal by the API: thrown by routes, written as `{code, message}`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  /** Fields beside code and message. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, message: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.extra = extra;
  }
}

/** A refusal that is no `{code, message}`: by a gateway, or by throttling. */
export class PlainRefusal extends Error {
  override readonly name = 'PlainRefusal';
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(`refused with ${reply.status}`);
    this.reply = reply;
  }
}
