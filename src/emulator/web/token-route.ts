import type { Route } from '../api-host.ts';
import { apiError } from '../errors.ts';
import type { World } from '../world.ts';
import { isoTime } from './entry-json.ts';

/** The refresh endpoint of the page's or of the app's tokens; only the page's takes a body without a grant type. */
export function tokenRoute(world: World, kind: 'page' | 'app'): Route {
  const { userId, nickName, drives } = world.profile;
  return {
    method: 'POST',
    rateClass: 'token',
    answer: ({ fields }) => {
      const grant = fields.optionalText('grant_type') ?? (kind === 'page' ? 'refresh_token' : undefined);
      if (grant !== 'refresh_token')
        throw apiError('web', 'BadRequest', 'The input parameter grant_type is not valid. ');
      const { accessToken, refreshToken, expiresAt } = world.tokens.rotate(kind, fields.text('refresh_token'));
      const body = {
        default_sbox_drive_id: '12000001',
        role: 'user',
        user_name: '151***001',
        need_link: false,
        // The one time of this API that has no milliseconds.
        expire_time: isoTime(expiresAt).replace(/\.\d+/, ''),
        pin_setup: false,
        need_rp_verify: false,
        avatar: '',
        user_data: {},
        token_type: 'Bearer',
        access_token: accessToken,
        default_drive_id: drives.backup,
        domain_id: 'bj29',
        refresh_token: refreshToken,
        is_first_login: false,
        user_id: userId,
        nick_name: nickName,
        exist_link: [],
        state: '',
        expires_in: Math.ceil(world.settings.accessTokenTtlMs / 1000),
        status: 'enabled',
        device_id: 'd0d0d0d0',
      };
      return { status: 200, body };
    },
  };
}
