import { run } from './programs.ts';

interface LitmusTest {
  readonly name: string;
  readonly result: 'pass' | 'FAIL' | 'SKIPPED' | 'XFAIL';
}

export interface LitmusRun {
  readonly tests: readonly LitmusTest[];
  readonly warnings: readonly string[];
}

/** Runs one of litmus's suites against a folder; a test that runs several times is there as often. */
export async function runLitmus(
  suite: 'basic' | 'copymove' | 'props' | 'locks' | 'http',
  url: string,
  workingFolder: string,
): Promise<LitmusRun> {
  // It leaves its own logs in the working folder.
  const { stdout } = await run('litmus', ['--keep-going', url], {
    cwd: workingFolder,
    env: { TESTS: suite },
    timeoutMs: 110_000,
  });
  return { tests: parseLitmus(stdout), warnings: stdout.match(/WARNING:[^\r\n]*/g) ?? [] };
}

/** Reads ` 3. put_get............... pass`; the result follows on a line of its own when there were warnings. */
function parseLitmus(output: string): LitmusTest[] {
  const tests: LitmusTest[] = [];
  let name = '';
  for (const line of output.split(/[\r\n]+/)) {
    name = /^ *\d+\. (\w+)/.exec(line)?.[1] ?? name;
    const result = /^(?: *\d+\. \w+)?[ .]* (pass|FAIL|SKIPPED|XFAIL)\b/.exec(line)?.[1];
    if (result !== undefined) tests.push({ name, result: result as LitmusTest['result'] });
  }
  return tests;
}
