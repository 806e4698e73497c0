import { afterAll, beforeAll, describe } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { readEnvironment } from '../../src/config/sources.ts';
import type { Drive } from '../../src/drive/drive.ts';
import { describeReadDrive } from './read-drive-suite.ts';
import { openSession, type Session } from './session.ts';
import { describeWriteDrive } from './write-drive-suite.ts';

const environment = readEnvironment();

/**
 * Only where the environment names an account. The rotated refresh token is kept in the configured state folder, so that
 * the login outlives the run.
 */
describe.skipIf(!environment.env.ALIDAV_REFRESH_TOKEN)('a real account', () => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession(loadConfig({ ...environment, flags: {}, configFile: undefined }).settings);
  });
  afterAll(() => session?.close());
  describeReadDrive((): Drive => session.drive);
  describeWriteDrive((): Drive => session.drive);
});
