import type { IncomingMessage } from 'node:http';
import { apiError, type Dialect, invalidField } from './errors.ts';

/** The fields of a request body. Every reader throws an `InvalidParameter.*` error that names the field. */
export class Fields {
  readonly all: Readonly<Record<string, unknown>>;

  constructor(all: Readonly<Record<string, unknown>>) {
    this.all = all;
  }

  text(name: string): string {
    const value = this.all[name];
    if (typeof value !== 'string' || value === '') throw invalidField(name, `${name} is required`);
    return value;
  }

  optionalText(name: string): string | undefined {
    const value = this.all[name];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') throw invalidField(name, `${name} should be a string`);
    return value;
  }

  integer(name: string, absent: number): number {
    const value = this.all[name] ?? absent;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
      throw invalidField(name, `${name} should be a number`);
    }
    return value;
  }

  /** Words in any case, answered as they are listed. */
  oneOf<const T extends string>(name: string, words: readonly T[], absent: T): T {
    const value = this.optionalText(name);
    const word = value === undefined ? absent : words.find((item) => item.toLowerCase() === value.toLowerCase());
    if (word === undefined) throw invalidField(name, `${name} should be one of ${words.join(',')}`);
    return word;
  }

  objects(name: string, most: number): Fields[] {
    const value = this.all[name];
    if (!Array.isArray(value) || value.length === 0) throw invalidField(name, `${name} is required`);
    if (value.length > most) throw invalidField(name, `${name} count should be less or equal than ${most}`);
    return value.map((item: unknown) => {
      if (!isRecord(item)) throw invalidField(name, `${name} should be a list of objects`);
      return new Fields(item);
    });
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const MAX_BODY_BYTES = 8 * 2 ** 20;

/** Reads a whole body; the connection is cut beyond 8 MiB. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new Error('The request body is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Token calls may come form-encoded; an empty body counts as `{}`. */
export function parseFields(dialect: Dialect, contentType: string, text: string): Fields {
  if (contentType.startsWith('application/x-www-form-urlencoded')) {
    return new Fields(Object.fromEntries(new URLSearchParams(text)));
  }
  if (text.trim() === '') return new Fields({});
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw apiError(dialect, 'InvalidRequestJSONFormat');
  }
  if (!isRecord(value)) throw apiError(dialect, 'InvalidRequestJSONFormat');
  return new Fields(value);
}
