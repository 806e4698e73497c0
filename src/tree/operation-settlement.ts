import { settleCopy } from './operation-copies.ts';
import type { Job } from './operation-job.ts';
import { settleMove, settleMoveAcross } from './operation-moves.ts';
import type { SettleRecord } from './operation-record.ts';
import { settleRelay } from './operation-relay.ts';
import { settleRemoval } from './operation-removals.ts';
import { discard, type StepDeps } from './operation-steps.ts';

/**
 * Finds out what became of an interrupted operation and finishes or undoes it; may be repeated from any point of its own.
 * @returns false when it is too early to tell
 * @throws DriveError what kept us from finding out, or what refused the last step
 */
export function settle(deps: StepDeps, job: Job, signal: AbortSignal): Promise<boolean> {
  const { record } = job;
  switch (record.kind) {
    case 'remove':
      return settleRemoval(deps, job, record, signal);
    case 'move':
      return settleMove(deps, job, record, signal);
    case 'move-across':
      return settleMoveAcross(deps, job, record, signal);
    case 'relay-move':
      return settleRelay(deps, job, record, signal);
    case 'copy':
      return settleCopy(deps, job, record, signal);
    case 'settle':
      return settleReplacement(deps, job, record, signal);
    case 'discard':
      return discard(deps, job, record.made, signal).then(() => true);
  }
}

/** What was replaced is hidden by its id and not by a guard on its name, since others may write there by now. */
async function settleReplacement(
  { drive }: StepDeps,
  job: Job,
  { replaced, successor }: SettleRecord,
  signal: AbortSignal,
): Promise<boolean> {
  await job.show({ removed: [replaced], placed: [] });
  await drive.settleReplaced(replaced, successor, signal);
  return true;
}
