/**
 * For the environment of programs that a test starts: whatever they would ask a real provider ends at a port of this machine
 * that nobody answers. Servers of the test are on loopback, and are asked directly.
 */
export const loopbackAlone = { HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1,localhost' } as const;
