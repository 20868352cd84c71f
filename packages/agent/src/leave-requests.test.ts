import type { Agreement, LeaveResult, RestoredLogin } from '@authmesh/agent/core/leave/leaving';
import { describe, expect, it } from 'vitest';
import type { Requests } from './control-requests.ts';
import { createLeaveRequests } from './leave-requests.ts';

const login = { account: 'oauth:acme/1', profile: 'acme:1', store: '/store.json' } as RestoredLogin;
const back = { phase: 'restored', restored: [login] } as const;
const nothing = { phase: 'restored', restored: [] } as const;
const left = { phase: 'left', restored: [], remaining: 0 } as const;
const away = { phase: 'refused', code: 'away', why: 'it is gone' } as const;
const agreed: Agreement = { isLast: true, logins: [] };

/** An agent whose machine answers these in turn; what was asked of it, and when gateways were told. */
function createAgent(...answers: readonly LeaveResult[]) {
  const asked: string[] = [];
  const waiting = [...answers];
  const ask = async (control: { readonly op: string; readonly ends?: string | undefined }) => {
    asked.push(control.ends ?? control.op);
    return { op: 'leave', result: waiting.shift() };
  };
  const settled = async () => void asked.push('gateways told');
  const agent = createLeaveRequests(
    { ask: ask as unknown as Requests['ask'] },
    { rescan: async () => {} },
    { settled },
  );
  return { asked, agent };
}

describe('an agent that leaves', () => {
  it('tells gateways of what it has put back, looks again, and only then ends the membership', async () => {
    const { asked, agent } = createAgent(back, nothing, left);
    expect(await agent.leave('membership', agreed)).toEqual({ ...left, restored: [login] });
    expect(asked).toEqual(['work', 'gateways told', 'work', 'membership']);
  });

  it('puts back again what a gateway has written over, and stays a member where that does not end', async () => {
    const { asked, agent } = createAgent(back, back, back, back);
    expect(await agent.leave('membership', agreed)).toMatchObject({
      phase: 'refused',
      why: expect.stringMatching(/gateway/),
    });
    expect(asked).not.toContain('membership');
  });

  it.each<[string, 'membership' | 'work', LeaveResult[], LeaveResult]>([
    ['that only stops is still a member', 'work', [back, nothing], { phase: 'restored', restored: [login] }],
    ['is refused as its machine refuses', 'membership', [away], away],
    ['that is no member any more has left', 'membership', [{ ...left, remaining: null }], { ...left, remaining: null }],
    ['is refused at the end', 'membership', [nothing, away], away],
  ])('%s', async (_what, ends, answers, result) => {
    expect(await createAgent(...answers).agent.leave(ends, agreed)).toEqual(result);
  });
});
