import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { type Scene, setScene } from './account-setup.ts';

interface ChildResult {
  readonly signal: NodeJS.Signals | null;
  readonly accessToken: string | undefined;
  readonly steps: number;
}

async function runChild(
  scene: Scene,
  settings: object,
  killAt = 0,
  task: 'rotate' | 'sign-in' = 'rotate',
): Promise<ChildResult> {
  const script = path.join(import.meta.dirname, 'rotation-child.ts');
  const args = ['--import', 'tsx', script, scene.stateDir, JSON.stringify(settings), String(killAt), task];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  const [output, signal] = await Promise.all([text(child.stdout), exited]);
  const { accessToken, steps = 0 } = output === '' ? {} : JSON.parse(output);
  return { signal, accessToken, steps };
}

function settingsOf({ emulator }: Scene, kind: 'page' | 'open'): object {
  return {
    refresh_token: emulator.refreshTokens[kind],
    api: 'auto',
    api_url: emulator.apiUrl,
    auth_url: emulator.authUrl,
    open_url: emulator.openUrl,
    client_id: emulator.client.id,
    client_secret: emulator.client.secret,
  };
}

const GRACE = { webGraceMs: 60_000, openGraceMs: 60_000 };

describe('a rotation', () => {
  it('loses no login when it is killed at any of its steps', { timeout: 90_000 }, async () => {
    const scene = await setScene(GRACE);
    const settings = settingsOf(scene, 'page');
    const first = await runChild(scene, settings);
    const later = await runChild(scene, settings);
    expect(first.accessToken).toBeTypeOf('string');
    expect(later.steps).toBeGreaterThan(15);
    for (let killAt = 1; killAt <= later.steps; killAt += 1) {
      const killed = await runChild(scene, settings, killAt);
      expect(killed.signal, `killed at step ${killAt}`).toBe('SIGKILL');
      const account = await scene.createAccount();
      const accessToken = await account.getAccessToken();
      expect(scene.emulator.tokens.checkWeb(accessToken)).toBe('page');
      // The next rotation must find a refresh token that lives, too.
      await account.replaceAccessToken(accessToken);
    }
  });

  it('loses no first login when it is killed at any of its steps', { timeout: 90_000 }, async () => {
    const practice = await setScene(GRACE);
    const { steps } = await runChild(practice, settingsOf(practice, 'open'));
    expect(steps).toBeGreaterThan(10);
    for (let killAt = 1; killAt <= steps; killAt += 1) {
      const scene = await setScene(GRACE);
      const killed = await runChild(scene, settingsOf(scene, 'open'), killAt);
      expect(killed.signal, `killed at step ${killAt}`).toBe('SIGKILL');
      const account = await scene.createAccount(settingsOf(scene, 'open'));
      const accessToken = await account.getAccessToken();
      await account.replaceAccessToken(accessToken);
    }
  });

  it('is made once by processes that start together', { timeout: 60_000 }, async () => {
    const scene = await setScene({ webGraceMs: 0, latencyMs: 200 });
    const settings = settingsOf(scene, 'page');
    const results = await Promise.all([1, 2, 3].map(() => runChild(scene, settings, 0, 'sign-in')));
    expect(new Set(results.map(({ accessToken }) => accessToken)).size).toBe(1);
    expect(scene.countRefreshes()).toBe(1);
  });
});
