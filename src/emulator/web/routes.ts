import type { Answer, ApiCall, Route } from '../api-host.ts';
import type { RateClass } from '../limits.ts';
import type { World } from '../world.ts';
import { accountRoutes } from './account-routes.ts';
import { createBatch } from './batch.ts';
import { fileRoutes } from './file-routes.ts';
import { tokenRoute } from './token-route.ts';

interface WebRoute {
  readonly paths: readonly string[];
  readonly rateClass?: RateClass;
  /** Whether the call wants a registered device; `download` alone did when that rule was young. */
  readonly device: 'never' | 'always' | 'download';
  readonly answer: Answer;
}

/** The routes of api.aliyundrive.com. */
export function webApiRoutes(world: World): Map<string, Route> {
  const account = accountRoutes(world);
  const files = fileRoutes(world);
  const batch = createBatch(files);
  const routes: WebRoute[] = [
    { paths: ['/v2/user/get'], device: 'never', answer: account.user },
    { paths: ['/v2/drive/get'], device: 'always', answer: account.drive },
    { paths: ['/v2/drive/get_default_drive'], device: 'always', answer: account.defaultDrive },
    { paths: ['/v2/drive/list_my_drives'], device: 'always', answer: account.drives },
    { paths: ['/v2/databox/get_personal_info'], device: 'always', answer: account.personalInfo },
    { paths: ['/adrive/v1/user/driveCapacityDetails'], device: 'always', answer: account.capacity },
    { paths: ['/v2/file/list', '/adrive/v3/file/list'], rateClass: 'list', device: 'always', answer: files.list },
    { paths: ['/v2/file/get'], device: 'always', answer: files.get },
    { paths: ['/v2/file/get_by_path'], device: 'always', answer: files.getByPath },
    { paths: ['/adrive/v1/file/get_path'], device: 'always', answer: files.getPath },
    { paths: ['/adrive/v1/file/get_folder_size_info'], device: 'always', answer: files.folderSize },
    { paths: ['/v2/file/search', '/adrive/v3/file/search'], device: 'always', answer: files.search },
    { paths: ['/v2/file/get_download_url'], rateClass: 'link', device: 'download', answer: files.downloadUrl },
    {
      paths: ['/v3/batch', '/v2/batch', '/adrive/v2/batch', '/adrive/v4/batch'],
      device: 'always',
      answer: batch,
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
    answer: (call) => ({ status: 200, body: answer(call) }),
  };
}

function deviceRoutes({ devices }: World): WebRoute[] {
  const done = { result: true, success: true, code: null, message: null };
  return [
    {
      paths: ['/users/v1/users/device/create_session'],
      device: 'never',
      answer: ({ fields, header }) => {
        devices.createSession(deviceHeaders(header), fields.text('pubKey'), fields.integer('nonce', 0));
        return done;
      },
    },
    {
      paths: ['/users/v1/users/device/renew_session'],
      device: 'never',
      answer: ({ fields, header }) => {
        devices.renewSession(deviceHeaders(header), fields.integer('nonce', 0));
        return done;
      },
    },
    {
      paths: ['/users/v1/users/device_logout'],
      device: 'never',
      answer: ({ header }) => {
        devices.logout(deviceHeaders(header));
        return { result: true, success: true };
      },
    },
  ];
}

function deviceHeaders(header: ApiCall['header']) {
  return { deviceId: header('x-device-id'), signature: header('x-signature') };
}
