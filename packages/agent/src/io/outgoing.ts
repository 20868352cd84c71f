import type { OutgoingMessage } from '@authmesh/agent/core/effect';
import type { UpMessage } from '@authmesh/shared/protocol/up';
import type { RecordVault } from './record-vault.ts';

/** A message as it goes out: with the sealed record, where it is about a login; a sentence where that is not at hand. */
export function completed(
  message: OutgoingMessage,
  vault: Pick<RecordVault, 'attach' | 'seal' | 'sealedOf'>,
): { readonly message: UpMessage } | { readonly problem: string } {
  switch (message.type) {
    case 'publish':
      return vault.attach(message);
    case 'renewal': {
      const { account, generation, renewed } = message;
      const record = vault.seal({ account, generation, access: renewed.access, refresh: renewed.refresh });
      return 'problem' in record ? record : { message: { ...message, sealed: record.sealed } };
    }
    case 'recollection': {
      // The very record that was announced: its origin has signed it.
      const sealed = vault.sealedOf(message.facts.access);
      return sealed === undefined
        ? { problem: 'the announced record is not at hand' }
        : { message: { ...message, sealed } };
    }
    default:
      return { message };
  }
}
