import type { ProjectFile } from './tree.ts';

/** What live credentials look like, by the documents of those who give them out. */
const tokens: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['an API key', /\bsk-(?:ant-|proj-|live-)?[A-Za-z0-9_-]{20,}/],
  ['a GitHub token', /\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}/],
  ['an AWS key', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ['a Slack token', /\bxox[abprs]-[A-Za-z0-9-]{12,}/],
  ['a Google key', /\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[A-Za-z0-9_-]{20,}|\b1\/\/0[A-Za-z0-9_-]{20,}/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{30,}/],
  ['a JSON Web Token', /\beyJ[A-Za-z0-9_-]{12,}\.eyJ[A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]*/],
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['a join code', /\bauthmesh1[A-Za-z0-9_-]{40,}/],
  [
    'a secret in plain sight',
    /\b(?:access|refresh|token|secret|password|apiKey|api_key)['"]?\s*[:=]\s*['"](?=[^'"]*\d)(?=[^'"]*[a-z])[A-Za-z0-9+/_=-]{32,}['"]/i,
  ],
];

/** Lock files hold digests, which look like secrets and are none. */
const digests = /(?:^|\/)pnpm-lock\.yaml$/;

/** Text that looks like a live credential. The finding names the place, and never what stands there. */
export function findSecrets(files: readonly ProjectFile[]): string[] {
  return files
    .filter(({ path }) => !digests.test(path))
    .flatMap(({ path, text }) =>
      tokens.flatMap(([kind, pattern]) => {
        const found = pattern.exec(text);
        if (!found) return [];
        const line = text.slice(0, found.index).split('\n').length;
        return [`${path}:${line} holds what looks like ${kind}: make it at run time, and revoke it if it was real`];
      }),
    );
}

const machine = /(?<![\w.-])\/(?:work|root)\/[\w.-]+/;

/** Paths that exist on one machine only. */
export function findMachinePaths(files: readonly ProjectFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const found = machine.exec(text);
    if (!found) return [];
    const line = text.slice(0, found.index).split('\n').length;
    return [`${path}:${line} names ${found[0]}, which is on one machine only`];
  });
}
