import { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

const formType = 'application/x-www-form-urlencoded';

/** Reads requests before the provider does, which reads forms alone and has no word for what it read. */
export function presentedBody() {
  const refreshes = new WeakMap<IncomingMessage, string>();

  return {
    /** The same request once more, unread; JSON has become the form that a provider like Anthropic takes it for. */
    async reread(request: IncomingMessage): Promise<IncomingMessage> {
      const isJson = request.headers['content-type']?.includes('json') === true;
      const read = await text(request);
      const body = isJson ? new URLSearchParams(JSON.parse(read) as Record<string, string>).toString() : read;
      const again = new IncomingMessage(request.socket);
      again.method = request.method;
      again.url = request.url;
      again.headers = { ...request.headers, 'content-length': String(Buffer.byteLength(body)) };
      if (isJson) again.headers['content-type'] = formType;
      delete again.headers['transfer-encoding'];
      if (body !== '') again.push(body);
      again.push(null);
      again.complete = true;
      const refresh = new URLSearchParams(body).get('refresh_token');
      if (refresh !== null && request.method === 'POST') refreshes.set(again, refresh);
      return again;
    },
    /** The refresh token that a reread request presents. */
    refreshIn: (request: IncomingMessage): string | undefined => refreshes.get(request),
  };
}
