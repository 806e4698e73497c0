import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * A folder that goes when the test has ended.
 * @param finish the test's own `onTestFinished`, where tests run concurrently
 */
export async function temporaryFolder(finish: typeof onTestFinished = onTestFinished): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'alidav-test-'));
  finish(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
