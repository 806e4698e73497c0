import type { StoredEntry } from './entry.ts';
import type { Store } from './store.ts';
import type { Task, TaskOutcome, Tasks } from './tasks.ts';

/**
 * Copies a file, or a folder at once without its children, which follow one after another.
 * @param then the task's last step.
 */
export function copyEntry(
  { store, tasks }: { readonly store: Store; readonly tasks: Tasks },
  entry: StoredEntry,
  parent: StoredEntry,
  name: string,
  outcome: TaskOutcome,
  then?: () => void,
): { readonly entry: StoredEntry; readonly task?: Task } {
  const copy = store.copy(entry, parent, name);
  if (entry.type === 'file') {
    then?.();
    return { entry: copy };
  }
  const steps = [...store.children(entry)].flatMap((child) => copyStep(store, child, () => copy));
  return { entry: copy, task: tasks.start(then ? [...steps, then] : steps, outcome) };
}

/** Parents before their children. What is below the folder now is copied, whatever comes later. */
function copyStep(store: Store, entry: StoredEntry, parent: () => StoredEntry | undefined): (() => void)[] {
  let own: StoredEntry | undefined;
  const make = () => {
    const folder = parent();
    own = folder && copyInto(store, entry, folder);
  };
  if (entry.type === 'file') return [make];
  return [make, ...[...store.children(entry)].flatMap((item) => copyStep(store, item, () => own))];
}

/** Nothing where the copy has been removed in the meantime. */
function copyInto(store: Store, entry: StoredEntry, parent: StoredEntry): StoredEntry | undefined {
  return store.find(parent.driveId, parent.fileId) && store.copy(entry, parent, entry.name);
}
