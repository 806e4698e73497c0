import type { Answer, Route } from '../api-host.ts';
import type { RateClass } from '../limits.ts';
import { usedBytes } from '../lookup.ts';
import type { World } from '../world.ts';
import { fileRoutes } from './file-routes.ts';
import { tokenRoute } from './token-route.ts';

/** The routes of openapi.aliyundrive.com. */
export function openRoutes(world: World): Map<string, Route> {
  const { userId, nickName, drives, totalBytes } = world.profile;
  const files = fileRoutes(world);
  const route = (answer: Answer, rateClass: RateClass = 'rest', method: Route['method'] = 'POST'): Route => ({
    method,
    rateClass,
    authorize: (header) => world.tokens.checkOpen(header('authorization')),
    answer: (call) => ({ status: 200, body: answer(call) }),
  });
  const vip = route(() => ({
    identity: 'member',
    level: '100GB',
    expire: 0,
    thirdPartyVip: false,
    thirdPartyVipExpire: 0,
  }));
  const scopes = ['user:base', 'file:all:read', 'file:all:write'].map((scope) => ({ scope }));
  return new Map([
    ['/oauth/access_token', tokenRoute(world)],
    ['/oauth/users/info', route(() => ({ id: userId, name: nickName, avatar: '', phone: '' }), 'rest', 'GET')],
    ['/oauth/users/scopes', route(() => ({ id: userId, scopes }), 'rest', 'GET')],
    [
      '/adrive/v1.0/user/getDriveInfo',
      route(() => ({
        user_id: userId,
        name: nickName,
        avatar: '',
        default_drive_id: drives.backup,
        backup_drive_id: drives.backup,
        resource_drive_id: drives.resource,
      })),
    ],
    [
      '/adrive/v1.0/user/getSpaceInfo',
      route(() => ({
        personal_space_info: { used_size: usedBytes(world, drives.backup, drives.resource), total_size: totalBytes },
      })),
    ],
    ['/business/v1.0/user/getVipInfo', vip],
    ['/v1.0/user/getVipInfo', vip],
    ['/adrive/v1.0/openFile/list', route(files.list, 'list')],
    ['/adrive/v1.0/openFile/search', route(files.search)],
    ['/adrive/v1.0/openFile/starredList', route(files.starred)],
    ['/adrive/v1.0/openFile/get', route(files.get)],
    ['/adrive/v1.0/openFile/get_by_path', route(files.getByPath)],
    ['/adrive/v1.0/openFile/batch/get', route(files.batchGet)],
    ['/adrive/v1.0/openFile/getDownloadUrl', route(files.downloadUrl, 'link')],
  ]);
}
