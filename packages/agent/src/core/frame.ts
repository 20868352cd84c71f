import type { Instant } from '@authmesh/shared/core/time';
import type { DownMessage } from '@authmesh/shared/protocol/down';
import { createConfigured } from './adoption.ts';
import { judged, recalled } from './announcement.ts';
import { answered } from './control.ts';
import type { AgentEffect } from './effect.ts';
import { pursuePlan } from './leave/planning.ts';
import { beatReceived, linkSynced } from './link.ts';
import { permitsReceived } from './permit/answer.ts';
import { leaseReceived, leaseSettled } from './refresh/lease.ts';
import type { AgentState } from './state.ts';

/** A message of the coordinator to this node. */
export function frameReceived(state: AgentState, message: DownMessage, at: Instant, effects: AgentEffect[]): void {
  switch (message.type) {
    case 'judgements':
      judged(state, message.judgements, effects);
      break;
    case 'synced':
      linkSynced(state, at, effects);
      createConfigured(state, at, effects);
      pursuePlan(state, effects);
      break;
    case 'permits':
      permitsReceived(state, message, effects);
      break;
    case 'lease':
      leaseReceived(state, message, at, effects);
      break;
    case 'lease-settled':
      leaseSettled(state, message, effects);
      break;
    case 'recall':
      recalled(state, message.accounts, effects);
      break;
    case 'beat':
      beatReceived(state, message.at, at, effects);
      break;
    case 'drain':
      state.link = { ...state.link, notBeforeMs: message.notBeforeMs };
      break;
    case 'give-secret':
    case 'take-secret':
    case 'rotation-order':
      effects.push({ type: 'secret-errand', errand: message });
      break;
    case 'answer':
      answered(state, message, at, effects);
      break;
    default:
      message satisfies never;
  }
}
