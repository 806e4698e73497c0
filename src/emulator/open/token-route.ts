import type { Route } from '../api-host.ts';
import { ApiError } from '../reply.ts';
import type { World } from '../world.ts';

/** Only the refresh grant is answered: nobody can give consent to an emulator. */
export function tokenRoute(world: World): Route {
  const { client } = world.profile;
  return {
    method: 'POST',
    rateClass: 'token',
    answer: ({ fields }) => {
      if (fields.optionalText('client_id') !== client.id) {
        throw new ApiError(400, 'InvalidClientId', 'invalid client_id');
      }
      if (fields.optionalText('client_secret') !== client.secret) {
        throw new ApiError(400, 'InvalidClientSecret', 'invalid client_secret');
      }
      if (fields.optionalText('grant_type') !== 'refresh_token') {
        throw new ApiError(400, 'InvalidGrantType', 'invalid grant_type');
      }
      const issued = world.tokens.rotate('open', fields.optionalText('refresh_token') ?? '');
      return {
        status: 200,
        body: {
          token_type: 'Bearer',
          access_token: issued.accessToken,
          refresh_token: issued.refreshToken,
          expires_in: Math.ceil(world.settings.accessTokenTtlMs / 1000),
        },
      };
    },
  };
}
