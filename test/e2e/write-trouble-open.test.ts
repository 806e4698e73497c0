import { describe, it, vi } from 'vitest';
import { chooseStrikes, nameOf } from '../support/write-faults.ts';
import { strike } from '../support/write-trouble.ts';

// Most of these wait for a service that does not answer.
vi.setConfig({ maxConcurrency: 40, testTimeout: 180_000 });

describe.concurrent('a write over a login of kind open', () => {
  it.concurrent.each(chooseStrikes('open').map((one) => [nameOf(one, 'open'), one] as const))(
    '%s',
    async (_name, one) => {
      await strike(one, 'open');
    },
  );
});
