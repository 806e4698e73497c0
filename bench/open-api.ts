import { request } from 'node:http';

/** What of the open API an upload takes, as a client that does the least would call it. */
export interface UploadPlace {
  readonly openUrl: string;
  readonly driveId: string;
  readonly accessToken: string;
}

export interface BegunUpload {
  readonly fileId: string;
  /** Signed URLs, in the order of the parts. */
  readonly partUrls: readonly string[];
  complete(): Promise<void>;
}

/** Exchanges a refresh token of the open API. */
export async function signIn(
  openUrl: string,
  client: { readonly id: string; readonly secret: string },
  refreshToken: string,
): Promise<string> {
  const answer = await post(openUrl, '/oauth/access_token', undefined, {
    client_id: client.id,
    client_secret: client.secret,
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
  });
  return String(answer.access_token);
}

/** Begins the upload of a file in the drive's root. */
export async function beginUpload(
  { openUrl, driveId, accessToken }: UploadPlace,
  name: string,
  sizeBytes: number,
  partSizeBytes: number,
): Promise<BegunUpload> {
  const count = Math.ceil(sizeBytes / partSizeBytes);
  const part_info_list = Array.from({ length: count }, (_, index) => ({ part_number: index + 1 }));
  const created = await post(openUrl, '/adrive/v1.0/openFile/create', accessToken, {
    drive_id: driveId,
    parent_file_id: 'root',
    name,
    type: 'file',
    check_name_mode: 'ignore',
    size: sizeBytes,
    part_info_list,
  });
  const { file_id, upload_id } = created;
  return {
    fileId: String(file_id),
    partUrls: (created.part_info_list as { upload_url: string }[]).map(({ upload_url }) => upload_url),
    async complete() {
      const body = { drive_id: driveId, file_id, upload_id };
      await post(openUrl, '/adrive/v1.0/openFile/complete', accessToken, body);
    },
  };
}

/** `fetch` is not used: its first call loads what the yardsticks would then carry with them. */
function post(
  base: string,
  path: string,
  accessToken: string | undefined,
  body: unknown,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const headers = {
      // Without one the open API answers that it has failed.
      'User-Agent': 'alidav-bench',
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
      ...(accessToken !== undefined && { Authorization: `Bearer ${accessToken}` }),
    };
    request(`${base}${path}`, { method: 'POST', headers }, (answer) => {
      let said = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(JSON.parse(said) as Record<string, unknown>);
        else reject(new Error(`${path}: ${answer.statusCode} ${said}`));
      });
    })
      .on('error', reject)
      .end(text);
  });
}
