import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Input, Transition } from '@authmesh/shared/core/machine';
import { decodePlain, encodePlain } from './plain-text.ts';

/** Default bound of one segment, in bytes of inputs. */
export const segmentBytesMax = 4 * 1024 * 1024;
/** Inputs are written together once this many bytes are waiting, or when the event loop is free. */
const bufferedBytesMax = 64 * 1024;

export interface InputJournalOptions<State> {
  /** Folder of the two segments; it exists. */
  readonly directory: string;
  readonly segmentBytesMax?: number | undefined;
  /** Names this run of the process: segments of different runs do not continue each other. */
  readonly run: string;
  /** The part of the state to keep, where not all of it is plain data. */
  readonly snapshot?: ((state: State) => unknown) | undefined;
  /** The disk does not take it. The journal stops writing; the program goes on. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * A ring of a machine's inputs on disk, so that an incident replays exactly: two files, each a snapshot of the state
 * followed by the inputs that met it. When one is full, the other is begun anew. A crash of the process is preceded by
 * `flush`; one of the host may lose what was not yet written, as nothing here is synced.
 */
export interface InputJournal<State, Event> {
  /** To be called before the input is applied, with the state that it meets. */
  readonly record: (input: Input<Event>, before: State) => void;
  readonly flush: () => void;
  readonly close: () => void;
}

interface Header {
  readonly format: 1;
  readonly run: string;
  readonly segment: number;
  readonly state: unknown;
}

/** The two files of the ring in `directory`. */
export function journalFiles(directory: string): readonly [string, string] {
  return [join(directory, 'inputs-0.jsonl'), join(directory, 'inputs-1.jsonl')];
}

/** Begins a new segment over the older of the two that are there. */
export function createInputJournal<State, Event>(options: InputJournalOptions<State>): InputJournal<State, Event> {
  const bytesMax = options.segmentBytesMax ?? segmentBytesMax;
  const files = journalFiles(options.directory);
  let segment = Math.max(...files.map(file => readSegment(file)?.header.segment ?? 0));
  let descriptor: number | undefined;
  let room = 0;
  let waiting: string[] = [];
  let waitingBytes = 0;
  let scheduled: NodeJS.Immediate | undefined;
  let stopped = false;

  const attempt = (action: () => void) => {
    try {
      action();
    } catch (error) {
      stopped = true;
      close();
      options.onTrouble(error);
    }
  };

  const write = () => {
    if (descriptor === undefined || waiting.length === 0) return;
    const text = waiting.join('');
    waiting = [];
    waitingBytes = 0;
    writeSync(descriptor, text);
  };

  const begin = (state: State) => {
    write();
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
    segment += 1;
    const header: Header = {
      format: 1,
      run: options.run,
      segment,
      state: options.snapshot ? options.snapshot(state) : state,
    };
    const line = `${encodePlain(header)}\n`;
    descriptor = openSync(files[segment % 2] as string, 'w', 0o600);
    ftruncateSync(descriptor);
    writeSync(descriptor, line);
    // A snapshot larger than the bound would otherwise be written again every few inputs.
    room = Math.max(bytesMax, line.length);
  };

  const flush = () => {
    clearImmediate(scheduled);
    scheduled = undefined;
    attempt(write);
  };

  const close = () => {
    clearImmediate(scheduled);
    scheduled = undefined;
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };

  return {
    record(input, before) {
      if (stopped) return;
      const line = `${encodePlain(input)}\n`;
      if (descriptor === undefined || line.length > room) attempt(() => begin(before));
      if (stopped) return;
      room -= line.length;
      waiting.push(line);
      waitingBytes += line.length;
      if (waitingBytes > bufferedBytesMax) flush();
      else scheduled ??= setImmediate(flush);
    },
    flush,
    close() {
      flush();
      close();
      stopped = true;
    },
  };
}

interface Segment {
  readonly header: Header;
  readonly lines: readonly string[];
}

function readSegment(file: string): Segment | undefined {
  try {
    const [first = '', ...lines] = readFileSync(file, 'utf8').split('\n');
    const header = decodePlain(first) as Header;
    return header.format === 1 && Number.isSafeInteger(header.segment) ? { header, lines } : undefined;
  } catch {
    return undefined;
  }
}

export interface Replayed<State, Event, Effect> {
  readonly state: State;
  readonly steps: readonly { readonly input: Input<Event>; readonly effects: readonly Effect[] }[];
  /** False when the second segment's snapshot is not the state that the first one led to: the code has changed. */
  readonly consistent: boolean;
}

/**
 * Applies the inputs of the newest run in `files` to the snapshot that they met. `undefined` when no file holds one.
 * The last line may be torn by a crash; it is left out.
 */
export function replay<State, Event, Effect>(
  files: readonly string[],
  transition: Transition<State, Event, Effect>,
  restore: (snapshot: unknown) => State = snapshot => snapshot as State,
): Replayed<State, Event, Effect> | undefined {
  const found = files
    .map(readSegment)
    .filter(segment => segment !== undefined)
    .sort((a, b) => a.header.segment - b.header.segment);
  const newest = found.at(-1);
  const segments = found.filter(segment => segment.header.run === newest?.header.run);
  const [first] = segments;
  if (!first) return undefined;
  let state = restore(first.header.state);
  let consistent = true;
  const steps: { input: Input<Event>; effects: readonly Effect[] }[] = [];
  for (const segment of segments) {
    if (segment !== first) consistent &&= encodePlain(state) === encodePlain(segment.header.state);
    for (const input of inputsOf<Event>(segment)) {
      const step = transition(state, input);
      state = step.state;
      steps.push({ input, effects: step.effects });
    }
  }
  return { state, steps, consistent };
}

/** Every whole line; the text after the last line feed is a torn one, or empty. */
function inputsOf<Event>(segment: Segment): readonly Input<Event>[] {
  return segment.lines.slice(0, -1).map(line => decodePlain(line) as Input<Event>);
}
