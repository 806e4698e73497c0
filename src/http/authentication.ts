import type { IncomingMessage } from 'node:http';
import { parseBasic } from './basic.ts';
import { computeResponse, type DigestCredentials, parseDigest } from './digest.ts';
import { createNonces } from './nonces.ts';
import type { Refusal } from './refusal.ts';
import { createSecretMatcher } from './secret.ts';
import { refuseGuesser, type Throttle } from './throttle.ts';
import { parseTarget } from './url-guard.ts';

const REALM = 'alidav';

export interface AuthenticationSettings {
  /** Undefined: any user name will do, the password alone is the secret. */
  readonly user: string | undefined;
  /** Undefined: everybody is let in. */
  readonly password: string | undefined;
}

/**
 * `granted`: let in. `missing`: no credentials, which is how every client begins. `stale`: the right password with a nonce
 * that is too old, spent, or of an earlier process; the client repeats by itself. `wrong`: a guess.
 */
type Verdict = 'granted' | keyof typeof MESSAGES;

const MESSAGES = {
  missing: 'User name and password, please.',
  stale: 'The nonce is stale: repeat with the new one.',
  wrong: 'Wrong user name or password.',
};

/** Decides from a request, its target as sent and its sender's address; undefined lets it pass. */
export type Authenticate = (request: IncomingMessage, target: string, address: string) => Refusal | undefined;

/** Basic (RFC 7617) and Digest (RFC 7616) against the one user of the settings. Costs no call and no memory without bound. */
export function createAuthentication(
  settings: AuthenticationSettings,
  throttle: Throttle,
  now: () => number,
): Authenticate {
  const { user, password } = settings;
  if (password === undefined) return () => undefined;
  const nonces = createNonces(now);
  const isUser = user === undefined ? () => true : createSecretMatcher(Buffer.from(user));
  const isPassword = createSecretMatcher(Buffer.from(password));
  const isLogin = createSecretMatcher(Buffer.from(`${user}:${password}`));

  function judge(request: IncomingMessage, target: string): Verdict {
    const [, scheme = '', credentials = ''] = /^(\S+) +(.*)$/.exec(request.headers.authorization ?? '') ?? [];
    switch (scheme.toLowerCase()) {
      case 'basic':
        return judgeBasic(credentials.trim());
      case 'digest':
        return judgeDigest(credentials, request.method ?? '', target);
      default:
        return 'missing';
    }
  }

  function judgeBasic(text: string): Verdict {
    const credentials = parseBasic(text);
    if (!credentials) return 'wrong';
    const isRight = user === undefined ? isPassword(credentials.password) : isLogin(credentials.whole);
    return isRight ? 'granted' : 'wrong';
  }

  function judgeDigest(text: string, method: string, target: string): Verdict {
    const credentials = parseDigest(text);
    if (!credentials || credentials.realm !== REALM || !isSameTarget(credentials.uri, method, target)) return 'wrong';
    const expected = Buffer.from(computeResponse(credentials, method, password ?? ''));
    // Both are always compared: the time must not tell that the name alone was right.
    const verdicts = [isUser(credentials.user), createSecretMatcher(expected)(Buffer.from(credentials.response))];
    if (!verdicts.every(Boolean)) return 'wrong';
    return spend(credentials) ? 'granted' : 'stale';
  }

  const spend = ({ nonce, nc }: DigestCredentials) => nonces.spend(nonce, Number.parseInt(nc, 16));

  return (request, target, address) => {
    if (request.headers.authorization === undefined) return challenge(nonces.issue(), 'missing');
    const wait = refuseGuesser(throttle, address);
    if (wait) return wait;
    const verdict = judge(request, target);
    if (verdict === 'granted') return undefined;
    if (verdict === 'wrong') throttle.fail(address);
    return challenge(nonces.issue(), verdict);
  };
}

/**
 * Digest first, as Windows refuses Basic over plain http and Finder and neon prefer Digest. MD5 stands on both sides of
 * SHA-256: the Windows client reads the first Digest challenge alone, libavformat (ffmpeg, mpv) keeps the last, and neither
 * knows anything but MD5. All share a nonce, for clients that mix up the parameters of several challenges.
 */
function challenge(nonce: string, why: keyof typeof MESSAGES): Refusal {
  const digests = ['MD5', 'SHA-256', 'MD5'].map(
    (algorithm) =>
      `Digest realm="${REALM}", qop="auth", algorithm=${algorithm}, nonce="${nonce}", charset=UTF-8${why === 'stale' ? ', stale=true' : ''}`,
  );
  return {
    status: 401,
    message: MESSAGES[why],
    headers: { 'WWW-Authenticate': [...digests, `Basic realm="${REALM}", charset="UTF-8"`] },
  };
}

/** RFC 7616 §3.4.6: the hashed uri must name what was asked for, though a proxy may have spelled it anew. */
function isSameTarget(uri: string, method: string, target: string): boolean {
  if (uri === target) return true;
  const [claimed, asked] = [parseTarget(method, uri), parseTarget(method, target)];
  if (!('path' in claimed) || !('path' in asked)) return false;
  return claimed.path === asked.path && toQuery(claimed.url) === toQuery(asked.url);
}

function toQuery(url: string): string {
  const start = url.indexOf('?');
  return start < 0 ? '' : url.slice(start);
}
