import { type Level, type Note, noteCatalogue } from '@authmesh/shared/core/notes';
import type { Instant } from '@authmesh/shared/core/time';
import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import { createTagger, describeError, noteFields } from './log-fields.ts';
import { createRepeats } from './repeats.ts';

export type LogLevel = Level | 'silent';

export interface LoggerOptions {
  readonly program: 'agent' | 'coordinator';
  readonly level?: LogLevel | undefined;
  /** Keys the tags that stand for accounts and profiles. */
  readonly tagKey: Uint8Array;
  /** Where the lines go; stderr unless a test listens. */
  readonly stream?: { readonly write: (line: string) => void } | undefined;
  readonly now?: (() => Instant) | undefined;
}

/** One JSON object a line on stderr. Secrets and identities cannot get in: only listed fields do, identities as tags. */
export interface Logger {
  /** What happened; its level and words come from the catalogue, repeated failures get quiet. */
  readonly note: (note: Note) => void;
  /** A program error, before the process ends: scrubbed, with the places of the stack. */
  readonly crash: (error: unknown) => void;
  readonly setLevel: (level: LogLevel) => void;
}

/** Names that a secret would have: the net below the list of allowed fields. */
const secretFields = [
  'access',
  'refresh',
  'token',
  'idToken',
  'key',
  'secret',
  'password',
  'authorization',
  'credential',
  'sealed',
  'code_verifier',
];

/** The logger of one program. Nothing else imports pino. */
export function createLogger(options: LoggerOptions): Logger {
  const stream = (options.stream as DestinationStream | undefined) ?? destination({ dest: 2, sync: true });
  const log = pino(
    {
      level: options.level ?? 'info',
      base: { program: options.program },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: secretFields.flatMap(name => [name, `*.${name}`]), censor: '[redacted]' },
    },
    stream,
  );
  const tag = createTagger(options.tagKey);
  const repeats = createRepeats();
  const now = options.now ?? Date.now;

  /** What nobody will read is not put together: tags cost two keyed hashes. */
  const write = (level: Level, note: Note, count: number) => {
    if (!log.isLevelEnabled(level)) return;
    const fields = { event: note.name, ...noteFields(note, tag) };
    log[level](count > 1 ? { ...fields, count } : fields, noteCatalogue[note.name].says);
  };

  return {
    note(note) {
      const { level } = noteCatalogue[note.name];
      if (level !== 'warn' && level !== 'error') {
        repeats.recover(note);
        write(level, note, 1);
        return;
      }
      const { count, loud } = repeats.hear(note, now());
      write(loud ? level : 'debug', note, count);
    },
    crash(error) {
      log.fatal({ event: 'crashed', ...describeError(error) }, 'a fault in authmesh itself; stopping');
    },
    setLevel(level) {
      log.level = level;
    },
  };
}
