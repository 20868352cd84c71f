import { never } from '@authmesh/shared/core/time';
import { setFields } from './json-document.ts';
import { readClaims } from './json-web-token.ts';
import { fieldsOf, type ToolFormat } from './tool-format.ts';

/**
 * `auth.json` of Codex CLI (`@openai/codex` 0.171.0): the tokens of a ChatGPT login beside an API key. An end is named by
 * the access token alone.
 */
export const codexAuth: ToolFormat = {
  tool: 'codex-cli',
  title: 'Codex CLI',
  fileName: 'auth.json',
  usualFolder: ({ CODEX_HOME }) => CODEX_HOME || '~/.codex',
  read({ tokens }) {
    // Logged in with an API key alone.
    if (tokens === undefined || tokens === null) return undefined;
    const fields = fieldsOf(tokens);
    if (!fields) return 'its `tokens` is not an object';
    const { access_token: access, refresh_token: refresh, id_token: idToken, account_id: accountId } = fields;
    const claims = typeof access === 'string' ? readClaims(access, 'openai') : {};
    const expires = claims.expiresAt === undefined ? never : undefined;
    return { access, refresh, idToken, expires, accountId: accountId ?? claims.account };
  },
  write(text, { access, refresh = '', idToken }, now) {
    // Codex does not read a file without `refresh_token`; an empty one is used and never answered by an issuer.
    const tokens = {
      access_token: access,
      refresh_token: refresh,
      ...(idToken === undefined ? {} : { id_token: idToken }),
    };
    const written = setFields(text, ['tokens'], tokens);
    // It refreshes by itself what was last refreshed eight days ago.
    return written === text ? text : setFields(written, [], { last_refresh: new Date(now).toISOString() });
  },
};
