import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import type { AccountId, ProfileId, StoreId } from '@authmesh/shared/core/identifiers';
import { note } from '@authmesh/shared/core/notes';
import { hour } from '@authmesh/shared/core/time';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLogger, type Logger, type LogLevel } from './logger.ts';
import { Redacted } from './redacted.ts';

const account = 'oauth:openai/someone@example.org' as AccountId;
const profile = 'openai-codex:someone@example.org' as ProfileId;
const store = '/home/u/.openclaw/agents/main/agent/auth-profiles.json' as StoreId;
const tagKey = randomBytes(32);
let lines: string[] = [];
let clock = 0;
let log: Logger;

function open(level: LogLevel = 'debug') {
  lines = [];
  clock = 0;
  log = createLogger({
    program: 'agent',
    level,
    tagKey,
    stream: { write: line => void lines.push(line) },
    now: () => clock,
  });
}
const parsed = (): Record<string, unknown>[] => lines.map(line => JSON.parse(line));
beforeEach(() => open());

describe('logger', () => {
  it('writes a note with the catalogue’s level and words, the path kept, identities as stable tags', () => {
    log.note(note('credential-written', { account, profile, store, revision: 3 }));
    log.note(note('credential-published', { account }));
    const [first, second] = parsed();
    expect(first).toMatchObject({
      level: 'info',
      program: 'agent',
      event: 'credential-written',
      msg: 'a fresher login was written and read back',
      store,
      revision: 3,
      account: expect.stringMatching(/^openai#[0-9a-f]{8}$/),
      profile: expect.stringMatching(/^openai-codex#[0-9a-f]{8}$/),
    });
    expect(second?.account).toBe(first?.account);
    expect(lines.join('')).not.toContain('someone');
  });

  it('takes identities and what looks like a token out of reasons', () => {
    const token = randomBytes(40).toString('base64url');
    log.note(note('write-failed', { account, profile, why: `${profile} of ${account} has ${token}` }));
    log.note(note('write-failed', { why: 'mail to other@example.com failed' }));
    expect(lines.join('')).not.toContain(token);
    expect(lines.join('')).not.toMatch(/someone|other@/);
    expect(parsed()[0]?.why).toMatch(/^openai-codex#\w{8} of openai#\w{8} has \[redacted\]$/);
  });

  it('lets only listed fields through', () => {
    const fields = { file: '/a', token: 'x', nested: { access: 'y' } };
    log.note(note('configuration-read', fields));
    expect(parsed()[0]).toMatchObject({ file: '/a', event: 'configuration-read' });
    expect(parsed()[0]).not.toHaveProperty('token');
    expect(parsed()[0]).not.toHaveProperty('nested');
  });

  it('says an identical failure aloud once, then quietly with a count, and again after an hour', () => {
    const failure = note('write-failed', { store, why: 'the disk is full' });
    log.note(failure);
    log.note(failure);
    log.note(note('write-failed', { store, why: 'locked' }));
    clock = hour;
    log.note(failure);
    expect(parsed().map(line => [line.level, line.count])).toEqual([
      ['error', undefined],
      ['debug', 2],
      ['error', undefined],
      ['error', 3],
    ]);
  });

  it('takes a failure after a recovery for news', () => {
    log.note(note('link-lost', { why: 'reset' }));
    log.note(note('link-opened'));
    log.note(note('link-lost', { why: 'reset' }));
    log.note(note('write-failed', { store, why: 'full' }));
    log.note(note('credential-written', { store: '/elsewhere' as StoreId }));
    log.note(note('write-failed', { store, why: 'full' }));
    expect(parsed().map(line => line.level)).toEqual(['warn', 'info', 'warn', 'error', 'info', 'debug']);
  });

  it('describes a crash without quoting what was parsed', () => {
    const secret = randomBytes(12).toString('hex');
    for (const text of [`{"a": ${secret}`, secret]) {
      try {
        JSON.parse(text);
      } catch (error) {
        log.crash(error);
      }
    }
    log.crash(new Error(`no ${randomBytes(40).toString('hex')}`));
    expect(lines.join('')).not.toContain(secret);
    expect(parsed()[2]).toMatchObject({ level: 'fatal', why: 'Error: no [redacted]' });
    expect(parsed()[2]?.stack).toContainEqual(expect.stringContaining('logger.test.ts'));
  });

  it('changes its level while it runs', () => {
    log.setLevel('error');
    log.note(note('synced'));
    expect(lines).toEqual([]);
  });
});

it('redacted values show nowhere', () => {
  const secret = randomBytes(12).toString('hex');
  const hidden = new Redacted(secret);
  const shown = [String(hidden), `${hidden}`, JSON.stringify({ hidden }), inspect({ hidden }), inspect(hidden)].join();
  expect(shown).not.toContain(secret);
  expect(shown).toContain('[redacted]');
  expect(hidden.reveal()).toBe(secret);
});
