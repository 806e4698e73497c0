import type { Drive } from '../../drive/drive.ts';
import { ApiClient, type SignedHeaders } from '../api-client.ts';
import { DialectDrive, type DriveDependencies } from '../dialect-drive.ts';
import { WEB_DIALECT, WEB_HEADERS, WEB_RATES } from './wire.ts';

export interface WebDriveDependencies extends DriveDependencies {
  readonly device: SignedHeaders;
}

/** An account's drives over the web API. */
export function createWebDrive(dependencies: WebDriveDependencies): Drive {
  const { http, apiUrl, tokens, log, onCall, onWait, device, rates = WEB_RATES } = dependencies;
  const shared = { http, tokens, rates, log, onCall, onWait, device };
  const api = new ApiClient({ ...shared, baseUrl: apiUrl, headers: WEB_HEADERS });
  return new DialectDrive(api, WEB_DIALECT, dependencies);
}
