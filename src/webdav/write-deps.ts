import type { LockSystem } from './locks.ts';
import type { Tree, Writer } from './ports.ts';
import type { CheckPreconditions } from './preconditions.ts';
import type { PropertyCopies } from './property-copies.ts';
import type { PropertyStore } from './property-store.ts';

/** What every method that changes the drive works with. */
export interface WriteDeps {
  readonly tree: Tree;
  readonly writer: Writer;
  readonly locks: LockSystem;
  readonly properties: PropertyStore;
  readonly check: CheckPreconditions;
  readonly propertyCopies: Pick<PropertyCopies, 'nearOf'>;
}
