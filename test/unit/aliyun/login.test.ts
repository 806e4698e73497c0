import { describe, expect, it } from 'vitest';
import { continueLogin, selectLogin, startLogin, toDeadMessage } from '../../../src/aliyun/login.ts';
import { type Credentials, CredentialsError, hashLogin } from '../../../src/state/credentials.ts';

function account(userId: string, given: string[], signedInAt = 0): Credentials {
  return {
    userId,
    kind: 'page',
    accessToken: `access of ${userId}`,
    accessTokenExpiresAt: 0,
    refreshToken: `refresh of ${userId}`,
    previousRefreshToken: undefined,
    refreshedAt: 0,
    signedInAt,
    loginHashes: given.map(hashLogin),
    others: {},
  };
}

const ANN = account('ann', ['a2', 'a1'], 1);
const BOB = account('bob', ['b1'], 2);
const DAMAGED = new CredentialsError('/state/accounts/x.json', 'it is empty');

describe('selectLogin', () => {
  const select = (configured: string | undefined, accounts: Credentials[], serving?: Credentials) => {
    const login = selectLogin(configured, { accounts, damaged: [] }, serving);
    return login.kind === 'new' ? `new ${login.refreshToken}` : login.credentials.userId;
  };

  it.each([
    ['the account that the configured token started', 'a2', [ANN, BOB], 'ann'],
    ['an account whose earlier login it started', 'a1', [ANN, BOB], 'ann'],
    ['a configured token with blanks around it', ' b1\n', [ANN, BOB], 'bob'],
    ['a new login for an unknown token', 'c1', [ANN, BOB], 'new c1'],
    ['a new login where nothing is stored', 'c1', [], 'new c1'],
    ['the latest account without a token', undefined, [ANN, BOB], 'bob'],
    ['the latest account for an empty setting', '', [BOB, ANN], 'bob'],
  ])('takes %s', (_, configured, accounts, expected) => {
    expect(select(configured, accounts)).toBe(expected);
  });

  it('stays with the account that is served, in its latest form, or as it is known', () => {
    const younger = { ...ANN, refreshToken: 'younger' };
    const login = selectLogin('c1', { accounts: [younger, BOB], damaged: [] }, ANN);
    expect(login).toEqual({ kind: 'stored', credentials: younger });
    expect(select('c1', [BOB], ANN)).toBe('ann');
  });

  it.each([
    ['an unreadable file that may be the login', 'c1', [ANN], 'x.json'],
    ['an unreadable file and no token', undefined, [], 'x.json'],
  ])('refuses to guess about %s', (_, configured, accounts, words) => {
    expect(() => selectLogin(configured, { accounts, damaged: [DAMAGED] }, undefined)).toThrow(words);
  });

  it('does not mind an unreadable file of somebody else', () => {
    expect(selectLogin('a1', { accounts: [ANN], damaged: [DAMAGED] }, undefined).kind).toBe('stored');
  });
});

describe('startLogin', () => {
  const grant = { accessToken: 'a', refreshToken: 'r1', expiresAt: 5, userId: 'ann' };
  const first = { refreshToken: 'a3', kind: 'app' as const, grant, replacedHashes: [hashLogin('old')], at: 3 };

  it('takes the place of the same user’s login and knows its tokens', () => {
    const started = startLogin(first, [{ ...ANN, others: { version: 2 } }, BOB]);
    expect(started).toMatchObject({ userId: 'ann', kind: 'app', refreshToken: 'r1', previousRefreshToken: 'a3' });
    expect(started.loginHashes).toEqual(['a3', 'a2', 'a1', 'old'].map(hashLogin));
    expect(started.others).toEqual({ version: 2 });
  });

  it('names a login without a user after its token', () => {
    const hidden = startLogin({ ...first, grant: { ...grant, userId: undefined } }, [ANN]);
    expect(hidden.userId).toMatch(/^login-[0-9a-f]{16}$/);
  });

  it('does not remember tokens without end', () => {
    const many = account('ann', Array.from({ length: 50 }, String));
    expect(startLogin(first, [many]).loginHashes.length).toBeLessThan(10);
  });
});

describe('continueLogin', () => {
  it.each([
    ['a rotated token', 'r2', 'r2', 'r1'],
    ['no token', undefined, 'r1', 'r0'],
    ['the same token', 'r1', 'r1', 'r0'],
  ])('with %s', (_, granted, refreshToken, previousRefreshToken) => {
    const before = { ...ANN, refreshToken: 'r1', previousRefreshToken: 'r0' };
    const grant = { accessToken: 'a', refreshToken: granted, expiresAt: 5, userId: undefined };
    const after = continueLogin(before, 'r1', 'page', grant, 4);
    expect(after).toEqual({
      ...before,
      accessToken: 'a',
      accessTokenExpiresAt: 5,
      refreshToken,
      previousRefreshToken,
      refreshedAt: 4,
    });
  });
});

describe('toDeadMessage', () => {
  const refusal = { fault: 'refresh-token', message: 'AliyunDrive refuses it (X)' } as const;
  const asNew = { kind: 'new', refreshToken: 'secret', hash: '' } as const;

  it.each([
    ['a stored login', { kind: 'stored', credentials: ANN } as const, refusal, 'user ann no longer works: AliyunDrive'],
    ['a configured token', asNew, refusal, 'ALIDAV_REFRESH_TOKEN does not work: AliyunDrive refuses it (X).'],
    ['the settings', asNew, { fault: 'settings', message: 'Set it' } as const, 'Set it.'],
  ])('tells of %s', (_, login, why, words) => {
    expect(toDeadMessage(login, why, [])).toContain(words);
  });

  it('tells which stored login could serve again', () => {
    expect(toDeadMessage(asNew, refusal, [ANN])).toContain('user ann');
    expect(toDeadMessage(asNew, refusal, [ANN])).not.toContain('secret');
  });
});
