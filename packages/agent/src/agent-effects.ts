import type { AgentEffect, SecretErrand } from '@authmesh/agent/core/effect';
import type { AgentTimer } from '@authmesh/agent/core/event';
import type { AgentJournal } from '@authmesh/agent/io/agent-journal';
import type { HealthChecks } from '@authmesh/agent/io/health-checks';
import type { Keeper } from '@authmesh/agent/io/memory-keeper';
import type { Logger } from '@authmesh/shared/node/logger';
import type { Timers } from '@authmesh/shared/runtime/timers';
import type { AgentLink } from './agent-link.ts';
import type { AgentStores } from './agent-stores.ts';
import type { Requests } from './control-requests.ts';

/** What of this host the machine's effects are done with. */
export interface AgentShell {
  readonly link: AgentLink;
  readonly stores: AgentStores;
  readonly timers: Timers<AgentTimer>;
  readonly requests: Requests;
  readonly health: HealthChecks;
  readonly journal: AgentJournal;
  readonly keeper: Keeper;
  readonly logger: Logger;
  /** The link was closed on the machine's own word, with a sentence. */
  readonly onLinkClosed: (why: string) => void;
  readonly onStop: () => void;
  /** Spends a refresh token; its outcome comes back as an event. */
  readonly exchange: (spend: Extract<AgentEffect, { type: 'exchange' }>) => void;
  /** Gives or takes a secret, and answers the coordinator. */
  readonly onSecretErrand: (errand: SecretErrand) => void;
}

/** Does the machine's effects, one at a time; a promise holds back what follows. */
export function createExecutor(shell: AgentShell): (effect: AgentEffect) => void | Promise<void> {
  const { link, stores, timers, requests, health, journal, keeper, logger } = shell;
  let kept: Promise<void> = Promise.resolve();
  return effect => {
    switch (effect.type) {
      case 'dial':
        return link.dial(effect.url);
      case 'close-link':
        link.close();
        return shell.onLinkClosed(effect.why);
      case 'send': {
        const { message } = effect;
        if (message.type !== 'acknowledge') return link.send(message);
        // The driver holds back what follows a promise, a dial among it: nothing overtakes, or changes its link.
        journal.hurry();
        return kept.then(() => {
          // The last refresh token that a store gives up for this must be on a disk.
          const known = message.known?.filter(({ account }) => keeper.isKept(account));
          link.send(known ? { ...message, known } : message);
        });
      }
      case 'set-timer':
        return timers.set(effect.timer, effect.delayMs);
      case 'clear-timer':
        return timers.clear(effect.timer);
      case 'write-credential':
      case 'create-profile':
        return stores.deliver(effect);
      case 'mark-store':
        return stores.mark(effect);
      case 'exchange':
        return shell.exchange(effect);
      case 'remember':
        // What is kept comes out the same from the stores after a crash: only an acknowledgement waits for it.
        kept = keeper.keep(effect.memory);
        return;
      case 'reply':
        return requests.answer(effect.request, effect.reply);
      case 'check-health':
        return health.check(effect);
      case 'secret-errand':
        return shell.onSecretErrand(effect.errand);
      case 'reread':
        return stores.reread(effect.store);
      case 'stop':
        return shell.onStop();
      case 'note':
        return logger.note(effect);
      default:
        effect satisfies never;
    }
  };
}
