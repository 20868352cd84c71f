import type { HttpAnswer } from '@authmesh/shared/node/http-request';

/*
 * What the text of a token endpoint's answer is. Nothing of it is ever repeated.
 */

type Document = Readonly<Record<string, unknown>>;

/** The JSON object that a text is, if it is one. */
export function parseObject(text: string): Document | undefined {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The form with an access token that a text is, if it is one: the answer of providers that are older than RFC 6749 (GitHub). */
export function parseTokenForm(text: string): Document | undefined {
  // Nothing else that may hold such a parameter, like a page with a link.
  if (!/^[^\s<>{}"]+$/.test(text.trim())) return undefined;
  const form = Object.fromEntries(new URLSearchParams(text.trim()));
  return form.access_token === undefined ? undefined : form;
}

/** Whether it was made for people: by a proxy or a portal on the way, or by a server in trouble. */
export function isPage({ headers, body }: Pick<HttpAnswer, 'headers' | 'body'>): boolean {
  const isCalledPage = /\bx?html\b/i.test(String(headers['content-type'] ?? ''));
  return isCalledPage ? /^\s*</.test(body) : /^\s*<(?:!doctype\s+html|html|head|body)\b/i.test(body);
}

/** ` with a page for people` or the like; nothing where the form says nothing new. */
export function formOf(answer: Pick<HttpAnswer, 'status' | 'headers' | 'body'>): string {
  const { status, body } = answer;
  if (status >= 300 && status < 400) return ' and points elsewhere, which is not followed';
  if (isPage(answer)) return ' with a page for people';
  if (parseObject(body) || body.trim() === '') return '';
  return body.trimStart().startsWith('{') ? ' with JSON that breaks off' : ' with something that is no JSON';
}

/** A JSON object; undefined where a value is none. */
export function asRecord(value: unknown): Document | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Document) : undefined;
}
