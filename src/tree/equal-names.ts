import type { Entry } from '../drive/entry.ts';
import { toShownName } from './names.ts';

/** Long extensions are rather a sentence with a full stop in it. */
const STEM_AND_EXTENSION = /^(.+)(\.[^.\s]{1,16})$/su;

/**
 * What else an entry may be called when its name is taken: `name (a1b2).ext`, then with more and more of its id.
 * Built from the entry alone, so that it is called the same after a restart, and again a name as paths have it: what was
 * quoted at a name's end no longer needs to be. Never ends.
 */
export function* alternativeNames(displayName: string, entry: Entry): Generator<string, never> {
  const [, stem = displayName, extension = ''] = (entry.kind === 'file' && STEM_AND_EXTENSION.exec(displayName)) || [];
  // The head of an id is the time of its making: what was made together differs at the tail.
  const id = entry.id.replace(/[^0-9A-Za-z]/g, '');
  for (let length = 4; length < id.length + 4; length += 4)
    yield toShownName(`${stem} (${id.slice(-length)})${extension}`);
  for (let count = 2; ; count++) yield toShownName(`${stem} (${id} ${count})${extension}`);
}

/** The oldest first; among equally old ones by id, so that the order does not hang on the service's. */
export function byAge(one: Entry, other: Entry): number {
  return one.createdAt - other.createdAt || (one.id < other.id ? -1 : Number(one.id > other.id));
}
