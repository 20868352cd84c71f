import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { OAuthServer } from './server.ts';

/** A client that nothing of authmesh's stands behind. */
export async function ask(server: OAuthServer, url: string, form?: URLSearchParams, headers = {}) {
  const ca = await readFile(server.caFile);
  const { promise, resolve, reject } = Promise.withResolvers<{
    readonly status?: number | undefined;
    readonly body: string;
  }>();
  const sent = request(url, { ca, agent: false, method: form ? 'POST' : 'GET', headers }, response => {
    text(response).then(body => resolve({ status: response.statusCode, body }), reject);
  });
  sent.on('error', reject);
  if (form) sent.setHeader('content-type', 'application/x-www-form-urlencoded');
  sent.end(form?.toString());
  return promise;
}

/** Uses a refresh token, as an OpenClaw that holds it would. */
export async function refreshAt(server: OAuthServer, refresh: string) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: server.clientId,
    refresh_token: refresh,
  });
  const { status, body } = await ask(server, server.tokenEndpoint, form);
  const document = JSON.parse(body) as Readonly<Record<string, string | undefined>>;
  return { status, error: document.error, access: document.access_token ?? '', refresh: document.refresh_token ?? '' };
}
