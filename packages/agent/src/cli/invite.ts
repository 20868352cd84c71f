import type { NodeId } from '@authmesh/shared/core/identifiers';
import { minute } from '@authmesh/shared/core/time';
import { sealFleetSecrets } from '@authmesh/shared/crypto/fleet-secrets';
import { inviteBytes } from '@authmesh/shared/crypto/handshake-bytes';
import { createInviteSecret, deriveInviteKeys } from '@authmesh/shared/crypto/invite-keys';
import { encodeJoinCode } from '@authmesh/shared/crypto/join-code';
import { signText } from '@authmesh/shared/crypto/signing';
import type { Command } from '@authmesh/shared/node/command-line';
import { parseDuration } from '@authmesh/shared/node/duration';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { inviteTtlMsMax } from '@authmesh/shared/protocol/question';
import { withCoordinator } from './command-session.ts';
import { homeOption, openHome } from './home.ts';
import { iso } from './moment.ts';

const usesMax = 10_000;

export const inviteCommand: Command = {
  name: 'invite',
  summary: 'make a code with which another host joins the fleet',
  options: [
    homeOption,
    { flags: '--name <name>', description: 'a note on whom the code is for' },
    { flags: '--uses <n>', description: 'how many hosts may use it (default 1)' },
    { flags: '--ttl <time>', description: 'how long it is good for (default 15m, at most 7d)' },
  ],
  example: 'authmesh-agent invite --uses 3 --ttl 1h',
  async run(context) {
    const uses = Number(context.option('uses') ?? '1');
    if (!Number.isInteger(uses) || uses < 1 || uses > usesMax) {
      throw new AuthmeshError('ERR_USAGE', `--uses is "${context.option('uses')}"`, {
        hint: `write a whole number from 1 to ${usesMax}`,
      });
    }
    const ttl = context.option('ttl');
    const ttlMs = ttl === undefined ? 15 * minute : parseDuration('--ttl', ttl);
    if (ttlMs < 1_000 || ttlMs > inviteTtlMsMax) {
      throw new AuthmeshError('ERR_USAGE', `--ttl is "${ttl}"`, { hint: 'a code is good for 1s to 7d' });
    }
    const { identity, settings } = await openHome(context);
    const { keys, membership } = identity;
    const { invite, secret } = createInviteSecret();
    const { signing, boxKey } = deriveInviteKeys(secret);
    const answer = await withCoordinator(identity, settings.coordinators, session =>
      session.ask(
        {
          type: 'invite',
          invite,
          publicKey: signing.publicKey,
          uses,
          ttlMs,
          name: context.option('name'),
          sealed: sealFleetSecrets(membership.secrets, boxKey),
          signature: signText(keys.signing, inviteBytes(invite, signing.publicKey)),
        },
        'invited',
      ),
    );
    const code = encodeJoinCode({
      urls: settings.coordinators,
      coordinatorKey: membership.coordinatorKey,
      invite,
      secret,
      // A fleet is named after its founding node.
      founder: membership.fleet as string as NodeId,
    });
    const result = { code, expiresAt: iso(answer.expiresAt), uses: answer.uses };
    if (!context.output.isJson) {
      context.output.say(
        `Good for ${uses === 1 ? 'one host' : `${uses} hosts`} until ${result.expiresAt}. Whoever has it can join: hand it over in private.`,
      );
    }
    context.output.data(result, () => code);
    return 0;
  },
};
