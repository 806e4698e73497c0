import { readFileSync } from 'node:fs';

export interface Sample {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers?: string | Readonly<Record<string, string>>;
    readonly body?: Record<string, unknown>;
  };
  readonly response: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
}

interface ErrorSample {
  readonly name: string;
  readonly api: 'web' | 'open' | 'both';
  readonly status: number;
  readonly body: { readonly code?: string; readonly message?: string } | string;
}

export const samples = JSON.parse(
  readFileSync(new URL('../../fixtures/aliyundrive-samples.json', import.meta.url), 'utf8'),
) as {
  readonly web: readonly Sample[];
  readonly open: readonly Sample[];
  readonly oss: readonly Sample[];
  readonly errors: readonly ErrorSample[];
};

/** Differ from run to run, or from account to account. */
const VOLATILE =
  /^(.*file_id|parent_file_id|.*drive_id|revision_id|upload_id|.*task_id|id_path|.*_at|expir.*|url|.*_url|streams?U?_?url|heic|jpeg|mov|requestId|.*_token|.*_marker|used_size|total_size|.*_used_size|drive_total_size|quota|timestamp|level|expire|identity|drive_name)$/i;

export function normalize(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => normalize(item));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .sort(([left], [right]) => left.localeCompare(right))
        .map(([key, inner]) => [key, normalize(inner, key)]),
    );
  }
  if (!VOLATILE.test(name)) return value;
  return value === '' || value === null ? value : typeof value;
}

export const byName = (list: readonly Sample[], name: string): Sample => {
  const sample = list.find((item) => item.name === name);
  if (!sample) throw new Error(`There is no sample ${name}.`);
  return sample;
};
