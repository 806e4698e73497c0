import { expect, it } from 'vitest';
import { formatBaseUrl } from '../../../src/config/base-url.ts';

it.each([
  ['127.0.0.1', 80, false, 'http://127.0.0.1:80/'],
  ['0.0.0.0', 8080, false, 'http://127.0.0.1:8080/'],
  ['::', 80, true, 'https://[::1]:80/'],
  ['[::]', 80, false, 'http://[::1]:80/'],
  ['::1', 80, false, 'http://[::1]:80/'],
  ['[::1]', 80, false, 'http://[::1]:80/'],
  ['nas.local', 443, true, 'https://nas.local:443/'],
])('shows %s, port %i, TLS %s, usefully', (host, port, isTls, url) => {
  expect(formatBaseUrl(host, port, isTls)).toBe(url);
});
