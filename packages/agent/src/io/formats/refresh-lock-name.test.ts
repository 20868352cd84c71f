import { expect, it } from 'vitest';
import { refreshLockNames } from './refresh-lock-name.ts';

/** What `resolveOAuthRefreshLockPath` of the real packages answered: 2026.7.1, 2026.8.2 and 2026.9.6, then 2026.5.28. */
const known = [
  [
    'xai',
    'xai:default',
    '8df5b23c6c62935aed51c69da1ce2f9d',
    '0346ad3016f8e82287e5d6d0d09722251affc9de4961290761d31d907c2bbe53',
  ],
  [
    'openai-codex',
    'openai-codex:default',
    '7b9da1f0ba485a46aaec13e8c09ceb27',
    'cee1bbaed8073aace8170859a25616882c288ceeaa1119df363bf01cc0cdab65',
  ],
  [
    'openai',
    'openai:default',
    '5440fa0b86d2697ef1152f7cb32a8157',
    '5745659ffbfd6177a09e335e5c3da5e6bc0c2ed19b67af51f537ea171e03ccd0',
  ],
  [
    'qwen-portal',
    'qwen-portal:Zoë ☃ "a\\b"\u0000',
    'eac6412774c83e35510a351bb32d65c4',
    '052da093aa572ee0c3df7aeef84a4e1da7429d1ab0d9f1ff7bda6decaddec675',
  ],
] as const;

it.each(known)('the lock of %s %j is named as OpenClaw names it', (provider, profile, twin, sha256) => {
  expect(refreshLockNames(provider, profile)).toEqual([`lock-${twin}.lock`, `sha256-${sha256}.lock`]);
});
