import { join } from 'node:path';
import { setFields } from './json-document.ts';
import { readClaims } from './json-web-token.ts';
import type { ToolFormat } from './tool-format.ts';

/**
 * `oauth_creds.json` of Gemini CLI (`@google/gemini-cli` 0.61.0), as google-auth-library keeps credentials. Whose login it
 * is says its ID token.
 */
export const geminiCredentials: ToolFormat = {
  tool: 'gemini-cli',
  title: 'Gemini CLI',
  fileName: 'oauth_creds.json',
  usualFolder: ({ GEMINI_CLI_HOME }) => join(GEMINI_CLI_HOME || '~', '.gemini'),
  read(document) {
    const { type, access_token: access, refresh_token: refresh, expiry_date: expires, id_token: idToken } = document;
    // A service account or the like: no login of a person.
    if (type !== undefined && type !== 'authorized_user') return undefined;
    if (access === undefined && refresh === undefined) return undefined;
    const { email } = typeof idToken === 'string' ? readClaims(idToken, 'google') : {};
    return { access, refresh, expires, idToken, email };
  },
  write(text, { access, refresh, idToken, expires }) {
    const own = { access_token: access, refresh_token: refresh, expiry_date: expires };
    return setFields(text, [], idToken === undefined ? own : { ...own, id_token: idToken });
  },
};
