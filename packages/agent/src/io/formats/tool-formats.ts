import type { ToolName } from '@authmesh/agent/core/tools';
import { claudeCredentials } from './claude-credentials.ts';
import { codexAuth } from './codex-auth.ts';
import { geminiCredentials } from './gemini-credentials.ts';
import type { ToolFormat } from './tool-format.ts';

/** How each tool keeps its login. */
export const toolFormats: Readonly<Record<ToolName, ToolFormat>> = {
  'codex-cli': codexAuth,
  'claude-code': claudeCredentials,
  'gemini-cli': geminiCredentials,
};
