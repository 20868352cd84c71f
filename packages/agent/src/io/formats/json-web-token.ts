import { canonicalProvider } from '@authmesh/shared/core/identifiers';
import type { Instant } from '@authmesh/shared/core/time';

/** What an access token says about itself. Read, never verified: it names, it does not prove. */
export interface TokenClaims {
  /** The provider's account id (OpenAI's claim), when the token carries one. */
  readonly account?: string | undefined;
  readonly subject?: string | undefined;
  readonly email?: string | undefined;
  /** `iat` in milliseconds, by the issuer's clock. */
  readonly issuedAt?: Instant | undefined;
  /** `exp` in milliseconds, by the issuer's clock. */
  readonly expiresAt?: Instant | undefined;
}

const openaiClaim = 'https://api.openai.com/auth';
/** Latest `iat` or `exp` that is believed: 2100-01-01, in seconds. */
const secondsMax = 4_102_444_800;

/** Claims of an access token, when it is a JWT (three base64url parts); an opaque token says nothing. */
export function readClaims(token: string, provider: string): TokenClaims {
  const payload = payloadOf(token);
  if (!payload) return {};
  const openai = canonicalProvider(provider) === 'openai' ? asRecord(payload[openaiClaim]) : undefined;
  return {
    account: nonEmpty(openai?.chatgpt_account_id),
    subject: nonEmpty(payload.sub),
    email: nonEmpty(payload.email),
    issuedAt: instantOf(payload.iat),
    expiresAt: instantOf(payload.exp),
  };
}

function instantOf(seconds: unknown): Instant | undefined {
  return typeof seconds === 'number' && seconds > 0 && seconds < secondsMax ? Math.floor(seconds * 1_000) : undefined;
}

function payloadOf(token: string): Record<string, unknown> | undefined {
  const parts = token.split('.');
  const [, payload] = parts;
  if (parts.length !== 3 || !payload || !parts.every(part => /^[\w-]+$/.test(part))) return undefined;
  try {
    return asRecord(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}
