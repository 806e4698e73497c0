import { type Answer, ok, type Route } from '../api-host.ts';
import type { RateClass } from '../limits.ts';
import type { World } from '../world.ts';
import { fileRoutes } from './file-routes.ts';
import { tokenRoute } from './token-route.ts';
import { uploadRoutes } from './upload-routes.ts';
import { writeRoutes } from './write-routes.ts';

/** The routes of openapi.aliyundrive.com. */
export function openRoutes(world: World): Map<string, Route> {
  const { userId, nickName, drives } = world.profile;
  const files = fileRoutes(world);
  const uploads = uploadRoutes(world);
  const writes = writeRoutes(world);
  const route = (answer: Answer, rateClass: RateClass = 'rest', method: Route['method'] = 'POST'): Route => ({
    method,
    rateClass,
    authorize: (header) => world.tokens.checkOpen(header('authorization')),
    answer: ok(answer),
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
        personal_space_info: {
          used_size: world.store.usedBytes(drives.backup, drives.resource),
          total_size: world.settings.totalBytes,
        },
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
    ['/adrive/v1.0/openFile/create', route(uploads.create)],
    ['/adrive/v1.0/openFile/getUploadUrl', route(uploads.uploadUrl)],
    ['/adrive/v1.0/openFile/listUploadedParts', route(uploads.uploadedParts)],
    ['/adrive/v1.0/openFile/complete', route(uploads.complete)],
    ['/adrive/v1.0/openFile/update', route(writes.update)],
    ['/adrive/v1.0/openFile/move', route(writes.move)],
    ['/adrive/v1.0/openFile/copy', route(writes.copy)],
    ['/adrive/v1.0/openFile/recyclebin/trash', route(writes.trash)],
    ['/adrive/v1.0/openFile/delete', route(writes.remove)],
    ['/adrive/v1.0/openFile/async_task/get', route(writes.task)],
    ['/adrive/v1.0/openFile/getDownloadUrl', route(files.downloadUrl, 'link')],
  ]);
}
