import { type ReplaceOutcome, sweepOnce } from './durable-file.ts';
import { readJson } from './formats/json-document.ts';
import { type Fields, fieldsOf, type ToolFormat, type ToolLogin, type WrittenLogin } from './formats/tool-format.ts';
import { peekSignature, readStoreFile } from './store-file.ts';
import type { StorePort } from './store-port.ts';
import { replaceStore } from './store-replacement.ts';

/*
 * A tool's file, seen as a store of OpenClaw with one profile, so that all that is done with a login is done in one way:
 *
 *     {"version": 1, "profiles": {"codex-cli:default": {…}}, "file": "<the file's own text>"}
 *
 * A delivery edits the profile; what is written is the file's own text with the profile's login in it. No lock of the
 * tools is known: a save that meets a delivery is found as with those of OpenClaw that take none.
 */

/** A store in a file of this format. It is made by its tool's own login alone. */
export function createToolStore(format: ToolFormat): StorePort {
  return {
    readingShows: false,
    read(store) {
      const read = readStoreFile(store);
      if (read.state !== 'read') return read;
      const json = readJson(read.text);
      if (json.state === 'malformed') return { state: 'refused', reason: json.reason, passing: json.partial };
      const login = loginIn(format, json.value);
      if (typeof login === 'string') return { state: 'refused', reason: login, passing: false };
      return { ...read, text: viewOf(format, read.text, login) };
    },
    peek: peekSignature,
    async lock(store) {
      await sweepOnce(store);
      return { state: 'held', release: () => undefined };
    },
    async replace(store, read, text, options) {
      if (read.state !== 'read') return { outcome: failed(`it is not there: log in once with ${format.title} itself`) };
      const ours = fileWith(format, text);
      const { outcome, missed } = await replaceStore(store, { ...read, text: fileIn(read.text) }, ours, options);
      if (!missed) return { outcome };
      const { late, putBack } = missed;
      return { outcome, missed: { late: viewOfText(format, late), ours: viewOfText(format, ours), putBack } };
    },
    liftMarks: async () => false,
  };
}

/** The one profile of a tool's file. */
function profileOf({ tool }: ToolFormat): string {
  return `${tool}:default`;
}

function loginIn(format: ToolFormat, document: unknown): ToolLogin | undefined | string {
  const fields = fieldsOf(document);
  return fields ? format.read(fields) : 'it is JSON, but not an object';
}

function viewOf(format: ToolFormat, file: string, login: ToolLogin | undefined): string {
  const profiles = login ? { [profileOf(format)]: { type: 'oauth', provider: format.tool, ...login } } : {};
  return JSON.stringify({ version: 1, profiles, file });
}

/** The same of what was saved during a delivery: a file that is not understood is kept as it is. */
function viewOfText(format: ToolFormat, file: string): string {
  const login = loginIn(format, JSON.parse(file));
  return viewOf(format, file, typeof login === 'string' ? undefined : login);
}

interface View {
  readonly profiles: Fields;
  readonly file: string;
}

function fileIn(view: string): string {
  return (JSON.parse(view) as View).file;
}

/** The file's text with the login that its view has by now. */
function fileWith(format: ToolFormat, view: string): string {
  const { profiles, file } = JSON.parse(view) as View;
  const login = profiles[profileOf(format)] as WrittenLogin | undefined;
  return login ? format.write(file, login, Date.now()) : file;
}

function failed(reason: string): ReplaceOutcome {
  return { result: 'failed', reason };
}
