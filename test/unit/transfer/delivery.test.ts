import { describe, expect, it } from 'vitest';
import type { DownloadLink } from '../../../src/drive/drive.ts';
import { classifyClient } from '../../../src/transfer/clients.ts';
import {
  chooseDelivery,
  chooseWithoutLink,
  type DeliveryRequest,
  type DeliverySetting,
  formatRedirectCacheControl,
} from '../../../src/transfer/delivery.ts';

const MINUTES = 60_000;
const HOURS = 60 * MINUTES;

interface Case {
  readonly setting?: DeliverySetting;
  readonly userAgent?: string;
  readonly lifeLeftMs?: number;
  readonly link?: Partial<DownloadLink>;
  readonly request?: Partial<DeliveryRequest>;
}

function choose({ setting = 'auto', userAgent = 'curl/8', lifeLeftMs = 15 * MINUTES, link, request }: Case): string {
  const choice = chooseDelivery(
    setting,
    { url: 'https://storage.test/f', expiresAt: 0, refererRequired: false, ...link },
    lifeLeftMs,
    {
      hasOrigin: false,
      hasReferer: false,
      hasRange: false,
      credentials: 'basic',
      isSecure: false,
      isSmallRead: false,
      ...request,
    },
    classifyClient(userAgent),
  );
  return `${choice.delivery}: ${choice.reason}`;
}

const CHROME = 'Mozilla/5.0 Chrome/156.0.0.0';

describe('chooseDelivery', () => {
  it.each<[string, Case, string]>([
    ['curl', {}, 'redirect: nothing-against-it'],
    ['an unknown client', { userAgent: 'x' }, 'redirect: nothing-against-it'],
    ['rclone told to send no Referer', { userAgent: 'rclone/v1.69' }, 'redirect: nothing-against-it'],
    ['rclone as it comes', { userAgent: 'rclone/v1.69', request: { hasReferer: true } }, 'stream: referer'],
    ['a script in a browser', { userAgent: CHROME, request: { hasOrigin: true } }, 'stream: origin'],
    ['Finder', { userAgent: 'WebDAVFS/3.0.0' }, 'stream: client-never-follows'],
    ['Finder, long link', { userAgent: 'WebDAVFS/3.0.0', lifeLeftMs: 5 * HOURS }, 'stream: client-never-follows'],
    ['VLC', { userAgent: 'VLC/3.0.24 LibVLC/3.0.24' }, 'stream: client-never-returns'],
    ['VLC, new link', { userAgent: 'VLC/3.0.24', lifeLeftMs: 4 * HOURS - 300 }, 'redirect: nothing-against-it'],
    ['VLC, long link', { userAgent: 'VLC/3.0.24', lifeLeftMs: 3 * HOURS }, 'redirect: nothing-against-it'],
    ['VLC, nearly long link', { userAgent: 'VLC/3.0.24', lifeLeftMs: 3 * HOURS - 1 }, 'stream: client-never-returns'],
    ['a browser', { userAgent: CHROME }, 'stream: client-never-returns'],
    ['a browser, long link', { userAgent: CHROME, lifeLeftMs: 5 * HOURS }, 'redirect: nothing-against-it'],
    [
      'a browser that plays',
      { userAgent: CHROME, lifeLeftMs: 5 * HOURS, request: { hasRange: true } },
      'stream: client-never-returns',
    ],
    ['ffmpeg with Basic', { userAgent: 'Lavf/59' }, 'stream: client-forgets-credentials'],
    [
      'mpv with Digest',
      { userAgent: 'libmpv', request: { credentials: 'digest' } },
      'stream: client-forgets-credentials',
    ],
    ['ffmpeg without any', { userAgent: 'Lavf/59', request: { credentials: 'none' } }, 'redirect: nothing-against-it'],
    ['ffmpeg, long link', { userAgent: 'Lavf/59', lifeLeftMs: 5 * HOURS }, 'redirect: nothing-against-it'],
    ['a small read', { request: { isSmallRead: true } }, 'stream: small-read'],
    ['a link about to die', { lifeLeftMs: 2_000 }, 'stream: link-dies-soon'],
    ['a short link', { lifeLeftMs: 30_000 }, 'redirect: nothing-against-it'],
    ['a link that needs a Referer', { link: { refererRequired: true } }, 'stream: link-needs-referer'],
    [
      'https here, http there',
      { link: { url: 'http://storage.test/f' }, request: { isSecure: true } },
      'stream: link-is-not-https',
    ],
    ['http here and there', { link: { url: 'http://storage.test/f' } }, 'redirect: nothing-against-it'],
  ])('auto, %s', (_, given, expected) => {
    expect(choose(given)).toBe(expected);
  });

  it.each<[string, Case, string]>([
    ['a small read', { request: { isSmallRead: true } }, 'redirect: setting'],
    ['whoever asks', { userAgent: 'WebDAVFS/3.0.0', request: { hasReferer: true } }, 'redirect: setting'],
    ['a link that is dead by our clock', { lifeLeftMs: -1 }, 'redirect: setting'],
    ['a link that needs a Referer', { link: { refererRequired: true } }, 'stream: link-needs-referer'],
  ])('redirect, %s', (_, given, expected) => {
    expect(choose({ setting: 'redirect', ...given })).toBe(expected);
  });

  it('streams everything when it is set to', () => {
    expect(choose({ setting: 'stream', lifeLeftMs: 5 * HOURS })).toBe('stream: setting');
  });
});

describe('chooseWithoutLink', () => {
  const plain: DeliveryRequest = {
    hasOrigin: false,
    hasReferer: false,
    hasRange: false,
    credentials: 'none',
    isSecure: true,
    isSmallRead: false,
  };

  it.each<[DeliverySetting, string, Partial<DeliveryRequest>, string | undefined]>([
    ['auto', 'curl/8', {}, undefined],
    ['auto', 'VLC/3', {}, undefined],
    ['auto', 'Lavf/59', { credentials: 'basic' }, undefined],
    ['auto', 'curl/8', { isSmallRead: true }, 'small-read'],
    ['auto', 'rclone/v1', { hasReferer: true }, 'referer'],
    ['auto', CHROME, { hasOrigin: true }, 'origin'],
    ['auto', 'WebDAVFS/3.0', {}, 'client-never-follows'],
    ['stream', 'curl/8', {}, 'setting'],
    ['redirect', 'WebDAVFS/3.0', { isSmallRead: true, hasReferer: true, hasOrigin: true }, undefined],
  ])('%s, %s, %j: %s', (setting, userAgent, request, reason) => {
    const choice = chooseWithoutLink(setting, { ...plain, ...request }, classifyClient(userAgent));
    expect(choice).toEqual(reason && { delivery: 'stream', reason });
  });
});

describe('formatRedirectCacheControl', () => {
  it.each([
    [15 * MINUTES, 'max-age=840, private'],
    [61_999, 'max-age=1, private'],
    [60_000, 'no-store'],
    [-5_000, 'no-store'],
  ])('%i ms', (lifeLeftMs, expected) => {
    expect(formatRedirectCacheControl(lifeLeftMs)).toBe(expected);
  });
});
