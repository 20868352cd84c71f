/**
 * A gateway that was started again, as a program: `node gateway.ts URL PROFILE STORE…`. Each agent connects to the
 * service at once, or as soon as its own store lets it, as OpenClaw 2026.2.12 does. Ends when all were answered.
 */
import { startSessions } from '../../demo/sessions.ts';

const [, , url = '', profile = '', ...stores] = process.argv;
process.stdout.write('started\n');
const answers = await startSessions(stores, profile, url).answered;
process.stdout.write(`answered ${answers.filter(Boolean).length} of ${answers.length}\n`);
