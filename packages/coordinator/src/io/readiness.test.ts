import { AuthmeshError } from '@authmesh/shared/node/errors';
import { describe, expect, it } from 'vitest';
import { createReadiness } from './readiness.ts';

describe('readiness', () => {
  it('checks once for all who ask at a time, and for a second after', async () => {
    let checks = 0;
    let at = 0;
    let finish = (): void => undefined;
    const check = () => {
      checks++;
      return new Promise<void>(resolve => {
        finish = resolve;
      });
    };
    const ready = createReadiness(check, () => at);
    const asked = [ready(), ready()];
    at = 5_000;
    asked.push(ready());
    finish();
    expect(await Promise.all(asked)).toEqual(asked.map(() => ({ status: 200, body: 'ready\n' })));
    at += 999;
    await ready();
    expect(checks).toBe(1);
    at += 1;
    const again = ready();
    finish();
    await again;
    expect(checks).toBe(2);
  });

  it('says what is wrong, and is ready again when it is mended', async () => {
    let isFull = true;
    let at = 0;
    const ready = createReadiness(
      async () => {
        if (isFull) throw new AuthmeshError('ERR_STORE_UNAVAILABLE', 'the disk is full', { hint: 'free some space' });
      },
      () => at,
    );
    expect(await ready()).toEqual({
      status: 503,
      body: 'the store does not take writes: the disk is full: free some space.\n',
    });
    isFull = false;
    at = 1_000;
    expect((await ready()).status).toBe(200);
  });
});
