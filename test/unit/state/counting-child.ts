import { openEmbeddedStore } from '../../../src/state/embedded.ts';
import type { StateKey } from '../../../src/state/store.ts';

/** Counts one number up, and one under a lease, as many times as told, beside other processes that do the same. */
const [dir = '', times = '0'] = process.argv.slice(2);
const COUNTED: StateKey = ['user', 'v1', 'count'];
const GUARDED: StateKey = ['user', 'v1', 'guarded'];
const store = await openEmbeddedStore(dir);

for (let done = 0; done < Number(times); ) {
  const count = await store.get(COUNTED);
  if (await store.compareAndSet(COUNTED, count, (Number(count) || 0) + 1)) done += 1;
}
for (let done = 0; done < Number(times); ) {
  const lease = await store.acquireLease(['user', 'v1', 'lease'], 10_000);
  if (!lease) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    continue;
  }
  await store.put(GUARDED, (Number(await store.get(GUARDED)) || 0) + 1);
  await lease.release();
  done += 1;
}
await store.close();
