import { type Act, type ApiCall, ok, type Route } from '../api-host.ts';
import type { RateClass } from '../limits.ts';
import type { World } from '../world.ts';
import { accountRoutes } from './account-routes.ts';
import { createBatch } from './batch.ts';
import { fileRoutes } from './file-routes.ts';
import { tokenRoute } from './token-route.ts';
import { uploadRoutes } from './upload-routes.ts';
import { writeRoutes } from './write-routes.ts';

interface WebRoute {
  readonly paths: readonly string[];
  readonly rateClass?: RateClass;
  /** Whether the call wants a registered device; `download` alone did when that rule was young. */
  readonly device: 'never' | 'always' | 'download';
  readonly answer: Act;
}

/** The routes of api.aliyundrive.com. */
export function webApiRoutes(world: World): Map<string, Route> {
  const account = accountRoutes(world);
  const files = fileRoutes(world);
  const uploads = uploadRoutes(world);
  const writes = writeRoutes(world);
  const batch = createBatch(files, writes);
  const routes: WebRoute[] = [
    { paths: ['/v2/user/get'], device: 'never', answer: ok(account.user) },
    { paths: ['/v2/drive/get'], device: 'always', answer: ok(account.drive) },
    { paths: ['/v2/drive/get_default_drive'], device: 'always', answer: ok(account.defaultDrive) },
    { paths: ['/v2/drive/list_my_drives'], device: 'always', answer: ok(account.drives) },
    { paths: ['/v2/databox/get_personal_info'], device: 'always', answer: ok(account.personalInfo) },
    { paths: ['/adrive/v1/user/driveCapacityDetails'], device: 'always', answer: ok(account.capacity) },
    { paths: ['/v2/file/list', '/adrive/v3/file/list'], rateClass: 'list', device: 'always', answer: ok(files.list) },
    { paths: ['/v2/file/get'], device: 'always', answer: ok(files.get) },
    { paths: ['/v2/file/get_by_path'], device: 'always', answer: ok(files.getByPath) },
    { paths: ['/adrive/v1/file/get_path'], device: 'always', answer: ok(files.getPath) },
    { paths: ['/adrive/v1/file/get_folder_size_info'], device: 'always', answer: ok(files.folderSize) },
    { paths: ['/v2/file/search', '/adrive/v3/file/search'], device: 'always', answer: ok(files.search) },
    { paths: ['/v2/file/walk'], rateClass: 'list', device: 'always', answer: ok(files.walk) },
    { paths: ['/v2/file/scan'], rateClass: 'list', device: 'always', answer: ok(files.scan) },
    { paths: ['/v2/file/get_download_url'], rateClass: 'link', device: 'download', answer: ok(files.downloadUrl) },
    {
      paths: ['/adrive/v2/file/createWithFolders', '/v2/file/create_with_proof', '/v2/file/create'],
      device: 'always',
      answer: uploads.create,
    },
    { paths: ['/v2/file/get_upload_url'], device: 'always', answer: uploads.uploadUrl },
    { paths: ['/v2/file/list_uploaded_parts'], device: 'always', answer: uploads.uploadedParts },
    { paths: ['/v2/file/complete'], device: 'always', answer: uploads.complete },
    {
      paths: ['/v3/file/update', '/adrive/v3/file/update', '/v2/file/update'],
      device: 'always',
      answer: writes.update,
    },
    { paths: ['/v2/file/move', '/v3/file/move'], device: 'always', answer: writes.move },
    { paths: ['/v2/file/copy', '/v3/file/copy'], device: 'always', answer: writes.copy },
    { paths: ['/v2/file/delete', '/v3/file/delete'], device: 'always', answer: writes.remove },
    { paths: ['/v2/recyclebin/trash'], device: 'always', answer: writes.trash },
    { paths: ['/v2/recyclebin/restore'], device: 'always', answer: writes.restore },
    { paths: ['/v2/recyclebin/list', '/adrive/v2/recyclebin/list'], device: 'always', answer: writes.binList },
    { paths: ['/v2/recyclebin/clear'], device: 'always', answer: writes.binClear },
    { paths: ['/v2/async_task/get'], device: 'always', answer: writes.task },
    { paths: ['/adrive/v2/file/crossDriveCopy'], device: 'always', answer: writes.copyAcross },
    { paths: ['/adrive/v2/file/crossDriveMove'], device: 'always', answer: writes.moveAcross },
    {
      paths: ['/v3/batch', '/v2/batch', '/adrive/v2/batch', '/adrive/v4/batch'],
      device: 'always',
      answer: ok(batch),
    },
    ...deviceRoutes(world),
  ];
  return new Map([
    ...routes.flatMap((route) => route.paths.map((path) => [path, toRoute(world, route)] as const)),
    ['/token/refresh', tokenRoute(world, 'page')],
    ...authRoutes(world),
  ]);
}

/** The routes of auth.aliyundrive.com; the API host answers them too. */
export function authRoutes(world: World): Map<string, Route> {
  return new Map([['/v2/account/token', tokenRoute(world, 'app')]]);
}

function toRoute(world: World, { rateClass = 'rest', device, answer }: WebRoute): Route {
  return {
    method: 'POST',
    rateClass,
    authorize: (header) => {
      const login = world.tokens.checkWeb(header('authorization'));
      const { deviceChecks } = world.settings;
      const checked =
        deviceChecks === 'all' ? device !== 'never' : deviceChecks === 'download-only' && device === 'download';
      if (checked) world.devices.check(deviceHeaders(header));
      return login;
    },
    answer,
  };
}

function deviceRoutes({ devices }: World): WebRoute[] {
  const done = { result: true, success: true, code: null, message: null };
  return [
    {
      paths: ['/users/v1/users/device/create_session'],
      device: 'never',
      answer: ok(({ fields, header }) => {
        devices.createSession(deviceHeaders(header), fields.text('pubKey'), fields.integer('nonce', 0));
        return done;
      }),
    },
    {
      paths: ['/users/v1/users/device/renew_session'],
      device: 'never',
      answer: ok(({ fields, header }) => {
        devices.renewSession(deviceHeaders(header), fields.integer('nonce', 0));
        return done;
      }),
    },
    {
      paths: ['/users/v1/users/device_logout'],
      device: 'never',
      answer: ok(({ header }) => {
        devices.logout(deviceHeaders(header));
        return { result: true, success: true };
      }),
    },
  ];
}

function deviceHeaders(header: ApiCall['header']) {
  return { deviceId: header('x-device-id'), signature: header('x-signature') };
}
