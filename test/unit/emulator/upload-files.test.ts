import { describe, expect, it, onTestFinished } from 'vitest';
import { UploadFiles } from '../../../src/emulator/store/upload-files.ts';

describe('the files of uploaded parts', () => {
  it('are different ones for parts that come at the same moment', async () => {
    const files = new UploadFiles(
      () => 100,
      () => [],
    );
    onTestFinished(() => files.close());
    const pieces = await Promise.all([1, 2, 3].map((size) => files.reserve(size)));
    expect(new Set(pieces.map((piece) => piece?.path)).size).toBe(3);
  });
});
