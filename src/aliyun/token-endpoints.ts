import type { Settings } from '../config/schema.ts';
import type { TokenKind } from '../state/account-status.ts';
import type { JsonHttp } from './http.ts';
import { refreshOpenToken } from './open/oauth.ts';
import { isJwt, type Refusal, type TokenGrant } from './token-grant.ts';
import { refreshWebToken } from './web/tokens.ts';

export type TokenSettings = Pick<Settings, 'api' | 'api_url' | 'auth_url' | 'open_url' | 'client_id' | 'client_secret'>;

export type KindedResult =
  | { readonly kind: TokenKind; readonly grant: TokenGrant; readonly refusal?: never }
  | { readonly refusal: Refusal; readonly kind?: never; readonly grant?: never };

/** Spends a refresh token where its kind belongs. */
export interface TokenEndpoints {
  /**
   * @param known the kind that the token turned out to be of before
   * @throws DriveError when nothing is decided and asking again later may do
   */
  refresh(refreshToken: string, known: TokenKind | undefined): Promise<KindedResult>;
}

export function createTokenEndpoints(settings: TokenSettings, http: JsonHttp, now: () => number): TokenEndpoints {
  const web = { http, apiUrl: settings.api_url, authUrl: settings.auth_url, now };
  const open = {
    http,
    openUrl: settings.open_url,
    clientId: settings.client_id?.trim(),
    clientSecret: settings.client_secret?.trim(),
    now,
  };
  return {
    async refresh(refreshToken, known) {
      const misfit = findMisfit(settings.api, refreshToken);
      if (misfit) return { refusal: { fault: 'settings', message: misfit } };
      let refusal: Refusal | undefined;
      for (const kind of kindsToTry(settings.api, refreshToken, known)) {
        const result =
          kind === 'open' ? await refreshOpenToken(open, refreshToken) : await refreshWebToken(web, kind, refreshToken);
        if (result.grant) return { kind, grant: result.grant };
        // "Of another kind" says less than "no longer good", which the right endpoint says.
        if (refusal === undefined || refusal.fault === 'endpoint') refusal = result.refusal;
        // With a kind that is known, a refused token is refused; only "wrong endpoint" leaves a doubt.
        if (known !== undefined && result.refusal.fault !== 'endpoint') break;
      }
      return { refusal: refusal ?? { fault: 'endpoint', message: 'No endpoint takes this refresh token' } };
    },
  };
}

/** The wrong web endpoint refuses a token without spending it, so both may be asked. */
function kindsToTry(api: Settings['api'], refreshToken: string, known: TokenKind | undefined): readonly TokenKind[] {
  if (api !== 'auto') return [api === 'web' ? 'page' : api];
  if (isJwt(refreshToken)) return ['open'];
  return known === 'app' ? ['app', 'page'] : ['page', 'app'];
}

/** Tells by its shape that a token cannot be what the setting says, before it is sent anywhere. */
function findMisfit(api: Settings['api'], refreshToken: string): string | undefined {
  if (api === 'auto' || isJwt(refreshToken) === (api === 'open')) return undefined;
  return api === 'open'
    ? 'ALIDAV_API is "open", but this refresh token is not of the open platform, whose tokens have three parts with dots between'
    : `ALIDAV_API is "${api}", but this refresh token is of the open platform`;
}
