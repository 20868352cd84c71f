import { decodeJoinCode, encodeJoinCode, type JoinCode } from '@authmesh/shared/crypto/join-code';

/** What is in a code. */
export function readCode(code: string): JoinCode {
  const decoded = decodeJoinCode(code);
  if ('problem' in decoded) throw new Error(decoded.problem);
  return decoded.code;
}

/** The code with other addresses, as an operator would print it who has several ways to the coordinator. */
export function withUrls(code: string, change: (urls: readonly string[]) => readonly string[]): string {
  const read = readCode(code);
  return encodeJoinCode({ ...read, urls: change(read.urls) });
}
