import { type Milliseconds, second } from '@authmesh/shared/core/time';
import type { AgentEffect } from '../effect.ts';
import type { ProfileUse } from '../event.ts';
import type { AgentState } from '../state.ts';
import { type Claim, putClaim } from './claim.ts';

/** How long after its time-out a health command may take to say so. */
const healthAnswerMsMax: Milliseconds = 5 * second;

/** The sessions of a claim are let go: what follows says whether they came back. */
export function letGo(
  state: AgentState,
  claim: Claim,
  useBefore: ProfileUse | undefined,
  effects: AgentEffect[],
): void {
  const { permit } = claim;
  if (!permit) return;
  const { settleMs } = permit;
  // Where a command says whether they are back, time alone says it only when that command does not answer.
  const settlesAt = state.awake + settleMs + (isChecked(state, claim) ? healthAnswerMsMax : 0);
  check(state, { ...claim, phase: 'settling', useBefore, settlesAt }, settleMs, effects);
}

/** The command that started the sessions has ended well: what is up from now on is what it started. */
export function checkAnew(state: AgentState, claim: Claim, effects: AgentEffect[]): void {
  const { phase, settlesAt = 0 } = claim;
  const timeoutMs = settlesAt - healthAnswerMsMax - state.awake;
  if (phase === 'settling' && timeoutMs > 0) check(state, { ...claim, hasRun: true }, timeoutMs, effects);
}

/** Whether a pool's command says if these sessions are back. Of agents that were held it sees a gateway that was never away. */
function isChecked({ config }: AgentState, { permit, liftsHold }: Claim): boolean {
  return permit?.healthCommand !== undefined && config.healthCommands === true && liftsHold !== true;
}

function check(state: AgentState, claim: Claim, timeoutMs: Milliseconds, effects: AgentEffect[]): void {
  const command = claim.permit?.healthCommand;
  if (command === undefined || !isChecked(state, claim)) return putClaim(state.claims, claim);
  const run = (claim.checks ?? 0) + 1;
  putClaim(state.claims, { ...claim, checks: run });
  // Before a command has done its work, what it starts again may be up as it was.
  const fallsFirst = claim.claimant.type === 'command' && claim.hasRun !== true;
  effects.push({ type: 'check-health', claim: claim.id, run, command, timeoutMs, fallsFirst });
}
