import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { Rotation } from '../../../src/aliyun/rotation.ts';
import type { KindedResult, TokenEndpoints } from '../../../src/aliyun/token-endpoints.ts';
import type { Credentials, CredentialsFolder } from '../../../src/state/credentials.ts';
import { hashLogin } from '../../../src/state/credentials.ts';
import type { Lease, StateStore } from '../../../src/state/store.ts';
import { failureOf } from './account-setup.ts';

const LOGIN: Credentials = {
  userId: 'user',
  kind: 'page',
  accessToken: 'access-1',
  accessTokenExpiresAt: 0,
  refreshToken: 'refresh-1',
  previousRefreshToken: 'refresh-0',
  refreshedAt: 0,
  signedInAt: 0,
  loginHashes: [hashLogin('given')],
  others: {},
};

function grant(number: number): KindedResult {
  const tokens = { accessToken: `access-${number}`, refreshToken: `refresh-${number}`, expiresAt: 9e12 };
  return { kind: 'page', grant: { ...tokens, userId: 'user' } };
}

const REFUSED: KindedResult = { refusal: { fault: 'refresh-token', message: 'AliyunDrive refuses it (X)' } };

/** A folder in memory whose next saves can be made to fail. */
class MemoryFolder implements CredentialsFolder {
  accounts: Credentials[];
  failures = 0;

  constructor(...accounts: Credentials[]) {
    this.accounts = accounts;
  }

  async load() {
    return { accounts: this.accounts, damaged: [] };
  }

  async checkWritable() {}

  async save(credentials: Credentials) {
    if (this.failures > 0) {
      this.failures -= 1;
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    }
    this.accounts = [...this.accounts.filter(({ userId }) => userId !== credentials.userId), credentials];
  }
}

function createRotation(folder: CredentialsFolder, refresh: TokenEndpoints['refresh'], lease: Partial<Lease> = {}) {
  const held: Lease = { renew: async () => true, release: async () => {}, ...lease };
  const acquireLease = vi.fn<StateStore['acquireLease']>(async () => held);
  const store = { acquireLease } as Pick<StateStore, 'acquireLease'> as StateStore;
  const log = pino({ level: 'silent' });
  const rotation = new Rotation({
    folder,
    store,
    endpoints: { refresh },
    configuredToken: undefined,
    log,
    now: () => 1000,
  });
  const obtain = () => rotation.obtain(undefined, undefined, new AbortController().signal);
  return { obtain, acquireLease, held };
}

describe('Rotation', () => {
  it('keeps a granted token when the disk fails, and stores it before it asks for another', async () => {
    const folder = new MemoryFolder(LOGIN);
    folder.failures = 2;
    const refresh = vi.fn<TokenEndpoints['refresh']>(async () => grant(2));
    const { obtain } = createRotation(folder, refresh);
    for (let tries = 0; tries < 2; tries += 1) {
      expect(await failureOf(obtain())).toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('ENOSPC'),
      });
    }
    expect(await obtain()).toMatchObject({ accessToken: 'access-2', previousRefreshToken: 'refresh-1' });
    expect(folder.accounts[0]?.refreshToken).toBe('refresh-2');
    expect(refresh).toHaveBeenCalledTimes(1);
  });

  it('sends nothing when it lost the lease', async () => {
    const folder = new MemoryFolder(LOGIN);
    const refresh = vi.fn<TokenEndpoints['refresh']>(async () => grant(2));
    const renew = vi.fn(async () => {
      folder.accounts = [{ ...LOGIN, accessToken: 'theirs', accessTokenExpiresAt: 9e12 }];
      return false;
    });
    const { obtain } = createRotation(folder, refresh, { renew });
    expect((await obtain()).accessToken).toBe('theirs');
    expect(refresh).not.toHaveBeenCalled();
  });

  it.each([
    ['while it waited for the lease', false],
    ['just before it got the lease', true],
  ])('takes what another process stored %s', async (_, gotLease) => {
    const folder = new MemoryFolder(LOGIN);
    const refresh = vi.fn<TokenEndpoints['refresh']>(async () => grant(2));
    const { obtain, acquireLease, held } = createRotation(folder, refresh);
    acquireLease.mockImplementationOnce(async () => {
      folder.accounts = [{ ...LOGIN, accessToken: 'theirs', accessTokenExpiresAt: 9e12 }];
      return gotLease ? held : undefined;
    });
    expect((await obtain()).accessToken).toBe('theirs');
    expect(refresh).not.toHaveBeenCalled();
  });

  it('leaves a login alone that somebody stored while the service was asked', async () => {
    const folder = new MemoryFolder(LOGIN);
    const anew = { ...LOGIN, accessToken: 'anew', refreshToken: 'anew', accessTokenExpiresAt: 9e12 };
    const { obtain } = createRotation(folder, async () => {
      folder.accounts = [anew];
      return grant(2);
    });
    expect(await obtain()).toEqual(anew);
    expect(folder.accounts).toEqual([anew]);
  });

  it('looks at the disk again before it calls a login dead', async () => {
    const folder = new MemoryFolder(LOGIN);
    const { obtain } = createRotation(folder, async (refreshToken) => {
      if (refreshToken === 'theirs') return grant(3);
      folder.accounts = [{ ...LOGIN, refreshToken: 'theirs' }];
      return REFUSED;
    });
    expect((await obtain()).accessToken).toBe('access-3');
  });

  it('asks with every stored token once, and never again', async () => {
    const refresh = vi.fn<TokenEndpoints['refresh']>(async () => REFUSED);
    const { obtain } = createRotation(new MemoryFolder(LOGIN), refresh);
    for (let tries = 0; tries < 3; tries += 1) {
      expect(await failureOf(obtain())).toMatchObject({
        code: 'login-required',
        message: expect.stringContaining('user'),
      });
    }
    expect(refresh.mock.calls.map(([refreshToken]) => refreshToken)).toEqual(['refresh-1', 'refresh-0']);
  });

  it('says of a login that has no refresh token what there is to do', async () => {
    const refresh = vi.fn<TokenEndpoints['refresh']>(async () => grant(2));
    const folder = new MemoryFolder({ ...LOGIN, refreshToken: undefined, previousRefreshToken: undefined });
    const error = await failureOf(createRotation(folder, refresh).obtain());
    expect(error).toMatchObject({ code: 'login-required', message: expect.stringContaining('cannot be renewed') });
    expect(refresh).not.toHaveBeenCalled();
  });

  it('is not stopped by a lease that cannot be given back', async () => {
    const release = async () => {
      throw new Error('disk full');
    };
    const { obtain } = createRotation(new MemoryFolder(LOGIN), async () => grant(2), { release });
    expect((await obtain()).accessToken).toBe('access-2');
  });

  it('calls a failing state folder a passing trouble', async () => {
    const { obtain, acquireLease } = createRotation(new MemoryFolder(LOGIN), async () => grant(2));
    acquireLease.mockRejectedValueOnce(new Error('MDB_MAP_FULL'));
    expect((await failureOf(obtain())).code).toBe('unavailable');
    expect((await obtain()).accessToken).toBe('access-2');
  });
});
