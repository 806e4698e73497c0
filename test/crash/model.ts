/** What a worker's folder must hold: each path below it with the SHA-1 of a file, or `folder`. */
export type Model = ReadonlyMap<string, string>;

export const FOLDER = 'folder';

export function putFile(model: Model, path: string, sha1: string): Model {
  return new Map([...model, [path, sha1]]);
}

export function makeFolder(model: Model, path: string): Model {
  return new Map([...model, [path, FOLDER]]);
}

export function remove(model: Model, path: string): Model {
  return new Map([...model].filter(([at]) => at !== path && !at.startsWith(`${path}/`)));
}

/** The destination, if there was one, is gone with all that was in it. */
export function copy(model: Model, from: string, to: string): Model {
  const copied = [...model]
    .filter(([at]) => at === from || at.startsWith(`${from}/`))
    .map(([at, what]) => [to + at.slice(from.length), what] as const);
  return new Map([...remove(model, to), ...copied]);
}

export function move(model: Model, from: string, to: string): Model {
  return remove(copy(model, from, to), from);
}

export function isSame(one: Model, other: Model): boolean {
  return one.size === other.size && [...one].every(([at, what]) => other.get(at) === what);
}

/** For people: what one has and the other has not. */
export function difference(expected: Model, found: Model): string {
  const lost = [...expected].filter(([at, what]) => found.get(at) !== what).map(([at, what]) => `-${at} ${what}`);
  const extra = [...found].filter(([at, what]) => expected.get(at) !== what).map(([at, what]) => `+${at} ${what}`);
  return [...lost, ...extra].join('\n');
}
