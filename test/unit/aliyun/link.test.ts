import { describe, expect, it } from 'vitest';
import { isPlaceholder, toDownloadLink } from '../../../src/aliyun/link.ts';

const NOW = Date.UTC(2024, 2, 1, 8, 0, 0);
const EXPIRATION = Date.UTC(2024, 2, 1, 9, 0, 0);
const link = (query: string, expiration?: number) => toDownloadLink(`https://host/object?${query}`, expiration, NOW);

describe('toDownloadLink', () => {
  it.each([
    ['OSS2, absolute', 'x-oss-expires=1709281830&x-oss-signature-version=OSS2', EXPIRATION, 1709281830_000],
    ['OSS3, absolute', 'x-oss-expires=1709281830&x-oss-signature-version=OSS3', EXPIRATION, 1709281830_000],
    ['no version, absolute', 'x-oss-expires=1709281830', EXPIRATION, 1709281830_000],
    [
      'OSS4, relative to its date',
      'x-oss-expires=900&x-oss-date=20240301T080000Z&x-oss-signature-version=OSS4-HMAC-SHA256',
      EXPIRATION,
      NOW + 900_000,
    ],
    ['OSS4 without a date', 'x-oss-expires=900&x-oss-signature-version=OSS4-HMAC-SHA256', EXPIRATION, EXPIRATION],
    ['a URL that is silent', 'a=1', EXPIRATION, EXPIRATION],
    ['an expiry that is no number', 'x-oss-expires=soon', EXPIRATION, EXPIRATION],
    ['nothing at all', 'a=1', undefined, NOW + 60_000],
  ])('tells the life of %s', (_, query, expiration, expected) => {
    expect(link(query, expiration).expiresAt).toBe(expected);
  });

  it.each([
    ['x-oss-additional-headers=referer', true],
    ['x-oss-additional-headers=Referer', true],
    ['x-oss-additional-headers=host%3Breferer', true],
    ['x-oss-additional-headers=host', false],
    ['x-oss-additional-headers=', false],
    ['response-content-disposition=referer', false],
  ])('%s demands a Referer: %s', (query, expected) => {
    expect(link(query).refererRequired).toBe(expected);
  });
});

describe('isPlaceholder', () => {
  it.each([
    ['https://pds-system-file.oss-cn-beijing.aliyuncs.com/illegal.mp4', true],
    ['https://PDS-System-File.oss-cn-beijing.aliyuncs.com/illegal_video.mp4?x=1', true],
    ['https://pds-system-file.oss-cn-hangzhou.aliyuncs.com/other.png', true],
    ['https://cn-beijing-data.aliyundrive.net/AfD0%2F11000001%2Ff?name=illegal.mp4', false],
  ])('%s: %s', (url, expected) => {
    expect(isPlaceholder(url)).toBe(expected);
  });
});
