import { setFields } from './json-document.ts';
import { fieldsOf, type ToolFormat } from './tool-format.ts';

/**
 * `.credentials.json` of Claude Code (`@anthropic-ai/claude-code` 2.0.77 and 2.1.332), on systems where it does not use a
 * keychain. Whose login it is stands in no field of it.
 */
export const claudeCredentials: ToolFormat = {
  tool: 'claude-code',
  title: 'Claude Code',
  fileName: '.credentials.json',
  isAnonymous: true,
  usualFolder: ({ CLAUDE_CONFIG_DIR }) => CLAUDE_CONFIG_DIR || '~/.claude',
  read({ claudeAiOauth }) {
    // Logins of MCP servers alone.
    if (claudeAiOauth === undefined || claudeAiOauth === null) return undefined;
    const fields = fieldsOf(claudeAiOauth);
    if (!fields) return 'its `claudeAiOauth` is not an object';
    return { access: fields.accessToken, refresh: fields.refreshToken, expires: fields.expiresAt };
  },
  write(text, { access, refresh, expires }) {
    return setFields(text, ['claudeAiOauth'], { accessToken: access, refreshToken: refresh, expiresAt: expires });
  },
};
