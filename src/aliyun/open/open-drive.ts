import type { Drive } from '../../drive/drive.ts';
import { ApiClient } from '../api-client.ts';
import { DialectDrive, type DriveDependencies } from '../dialect-drive.ts';
import { OPEN_DIALECT, OPEN_RATES } from './wire.ts';

/** An account's drives over the open API. */
export function createOpenDrive(dependencies: DriveDependencies): Drive {
  const { http, apiUrl, tokens, log, onCall, onWait, rates = OPEN_RATES } = dependencies;
  const api = new ApiClient({ http, baseUrl: apiUrl, tokens, rates, log, onCall, onWait });
  return new DialectDrive(api, OPEN_DIALECT, dependencies);
}
