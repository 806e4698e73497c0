import { describe, expect, it } from 'vitest';
import type { ApiClient, Endpoint } from '../../../src/aliyun/api-client.ts';
import { PartUrls } from '../../../src/aliyun/part-urls.ts';
import type { UploadSession } from '../../../src/drive/drive.ts';

const ENDPOINT: Endpoint = { path: '/urls', paceClass: 'other', effect: 'read' };
const NOW = Date.UTC(2024, 2, 1);
const SESSION: UploadSession = {
  driveId: 'D',
  id: 'F',
  parentId: 'root',
  name: 'a',
  uploadId: 'U',
  sizeBytes: 1000,
  partSizeBytes: 10,
  replaces: undefined,
};

const urlOf = (number: number, lifeMs?: number) =>
  `https://host/object?partNumber=${number}${lifeMs === undefined ? '' : `&x-oss-expires=${(NOW + lifeMs) / 1000}`}`;

const toParts = (numbers: readonly number[], lifeMs?: number) =>
  numbers.map((part_number) => ({ part_number, upload_url: urlOf(part_number, lifeMs) }));

function setUp(answer?: (numbers: readonly number[]) => unknown) {
  const asked: (readonly number[])[] = [];
  const call = async (_endpoint: Endpoint, body: { part_info_list: { part_number: number }[] }) => {
    expect(body).toMatchObject({ drive_id: 'D', file_id: 'F', upload_id: 'U' });
    const numbers = body.part_info_list.map(({ part_number }) => part_number);
    asked.push(numbers);
    return answer ? answer(numbers) : { part_info_list: toParts(numbers, 3_600_000) };
  };
  let now = NOW;
  const urls = new PartUrls({ call } as unknown as ApiClient, ENDPOINT, () => now);
  return { urls, asked, pass: (ms: number) => (now += ms) };
}

describe('PartUrls', () => {
  it('uses what the creation gave, and asks for nothing', async () => {
    const { urls, asked } = setUp();
    urls.keep('U', { part_info_list: toParts([1, 2], 3_600_000) });
    expect(await urls.get(SESSION, 2)).toBe(urlOf(2, 3_600_000));
    expect(asked).toEqual([]);
  });

  it('asks for fifty at a time where none is left, and for none beyond the last part', async () => {
    const { urls, asked } = setUp();
    for (let number = 1; number <= 60; number++) await urls.get(SESSION, number);
    await urls.get(SESSION, 100);
    expect(asked.map((numbers) => [numbers[0], numbers.at(-1)])).toEqual([
      [1, 50],
      [51, 100],
    ]);
    await urls.get({ ...SESSION, sizeBytes: 0 }, 1);
    urls.forget('U');
    await urls.get({ ...SESSION, sizeBytes: 0 }, 1);
    expect(asked.at(-1)).toEqual([1]);
  });

  it('renews them a minute before their end', async () => {
    const { urls, asked, pass } = setUp();
    await urls.get(SESSION, 1);
    pass(3_539_000);
    await urls.get(SESSION, 2);
    expect(asked).toHaveLength(1);
    pass(2000);
    await urls.get(SESSION, 3);
    expect(asked).toHaveLength(2);
  });

  it('uses a fresh one however short its life', async () => {
    const { urls } = setUp((numbers) => ({ part_info_list: toParts(numbers, 1000) }));
    expect(await urls.get(SESSION, 1)).toBe(urlOf(1, 1000));
  });

  it('believes in an hour where nothing is told', async () => {
    const { urls, asked, pass } = setUp((numbers) => ({ part_info_list: toParts(numbers) }));
    await urls.get(SESSION, 1);
    pass(3_500_000);
    await urls.get(SESSION, 2);
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['no list', {}],
    ['null', { part_info_list: null }],
    ['another part', { part_info_list: toParts([7]) }],
    ['no URL', { part_info_list: [{ part_number: 1, upload_url: null }] }],
    ['what is no URL', { part_info_list: [{ part_number: 1, upload_url: 'file:///etc/passwd' }] }],
  ])('says so when it is given %s', async (_, answer) => {
    await expect(setUp(() => answer).urls.get(SESSION, 1)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('keeps no more than it may need', async () => {
    const { urls, asked } = setUp();
    urls.keep('U', {
      part_info_list: toParts(
        Array.from({ length: 10_000 }, (_, index) => index + 1),
        3_600_000,
      ),
    });
    await urls.get(SESSION, 100);
    await urls.get({ ...SESSION, sizeBytes: 100_000 }, 101);
    expect(asked.map((numbers) => numbers.length)).toEqual([50]);
    for (let index = 0; index < 100; index++) urls.keep(`other ${index}`, {});
    await urls.get(SESSION, 1);
    expect(asked).toHaveLength(2);
  });
});
