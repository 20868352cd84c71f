import { resolve } from 'node:path';
import type { Coordinator } from '@authmesh/coordinator/coordinator';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { z } from 'zod';

/** What the command line may ask the coordinator of its data folder. */
export const controlRequest = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('status') }),
  z.strictObject({ op: z.literal('code') }),
  z.strictObject({ op: z.literal('backup'), file: z.string().min(1).max(4_096) }),
]);

/** The coordinator's side of the control socket. */
export async function answerControl(coordinator: Coordinator, request: unknown): Promise<unknown> {
  const parsed = controlRequest.safeParse(request);
  if (!parsed.success)
    throw new AuthmeshError('ERR_CONTROL_PROTOCOL', 'the coordinator does not know this request', {
      hint: 'restart it: it may be of another version than this command',
    });
  switch (parsed.data.op) {
    case 'status':
      return { url: coordinator.url, problem: coordinator.trouble() ?? null, ...coordinator.status() };
    case 'code':
      return { foundingCode: coordinator.foundingCode() };
    case 'backup':
      await coordinator.backup(resolve(parsed.data.file));
      return { file: parsed.data.file };
    default:
      return parsed.data satisfies never;
  }
}
