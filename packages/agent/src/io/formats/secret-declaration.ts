import { placeName, secretGroup, secretName } from '@authmesh/shared/protocol/fields';
import { readingsPerNodeMax } from '@authmesh/shared/protocol/limits';
import { targetsMax } from '@authmesh/shared/protocol/push';
import { z } from 'zod';

/** What the gateway's token is called in environments. */
export const gatewayTokenName = 'OPENCLAW_GATEWAY_TOKEN';

const path = z.string().min(1, 'expected a file').max(4_096);
const variable = z.string().min(1, 'expected the name of a variable').max(200);
const pointer = z
  .string()
  .regex(/^(\/.*)?$/s, 'expected a JSON pointer that begins with /')
  .max(1_000);
const word = z.string().min(1, 'expected a word').max(4_096);

const as = placeName.optional().describe('The place that this stands for, where no agent runs.');

const dotenv = z.strictObject({
  dotenv: path.describe('A file of assignments.'),
  key: variable.optional().describe('What it is called there, where that is another name.'),
  as,
});
const json = z.strictObject({ json: path.describe('A JSON file.'), pointer, as });
const process = z
  .strictObject({
    env: variable.describe('A variable in the environment of a running process.'),
    pidFile: path.optional().describe('The file that holds its process id.'),
    unit: word.optional().describe('The unit of systemd that it runs as.'),
    process: word.optional().describe('Its name.'),
    as,
  })
  .refine(
    ({ pidFile, unit, process: name }) => [pidFile, unit, name].filter(one => one !== undefined).length === 1,
    'expected one of "pidFile", "unit" and "process", which says whose environment is meant',
  );
const commandLine = {
  command: z
    .union([z.array(word).min(1, 'expected a program'), word])
    .describe('A program and its arguments, or a line for the shell.')
    .meta({ secret: true }),
  shell: z.boolean().default(false).describe('Whether a shell runs it.'),
  timeoutSeconds: z.number().min(1).max(120).default(10),
};
const isOfItsForm = ({ command: line, shell }: { readonly command: unknown; readonly shell: boolean }) =>
  (typeof line === 'string') === shell;
const itsForm = {
  error: 'expected a list of words, or a line of text with "shell": true',
  path: ['command'],
};
const command = z.strictObject({ ...commandLine, pointer: pointer.optional(), as }).refine(isOfItsForm, itsForm);

const gateway = z.strictObject({
  gateway: path.describe('A state folder of OpenClaw: its gateway’s token, wherever this host has it.'),
  as,
});

const kinds = ['dotenv', 'json', 'env', 'command', 'gateway'] as const;
const form = z.union([dotenv, json, process, command, gateway]);
const source = oneOf(
  kinds,
  form,
  'expected one of "dotenv", "json", "env", "command" and "gateway", which says where the value is read',
);

/** Which form is meant is asked first: a union's own error would be that of one that was not. */
function oneOf<Form extends z.ZodType>(names: readonly string[], meant: Form, expectation: string) {
  return z
    .looseObject({})
    .refine(one => names.filter(name => name in one).length === 1, expectation)
    .meta({ anyOf: z.toJSONSchema(meant, { io: 'input' }).anyOf })
    .pipe(meant as unknown as z.ZodType<z.output<Form>, Record<string, unknown>>);
}

/** Where one value of a secret is read; paths as they stand in the file. */
export type StatedSource = z.output<typeof source>;

const dotenvTarget = z.strictObject({
  dotenv: path.describe('A file of assignments, changed in place.'),
  key: variable.optional().describe('What it is called there, where that is another name.'),
});
const commandTarget = z
  .strictObject({
    ...commandLine,
    variable: variable
      .optional()
      .describe('The variable of its environment that holds the value; its input does, where nothing is said.'),
    as,
  })
  .refine(isOfItsForm, itsForm);
const targetKinds = ['dotenv', 'command', 'gateway'] as const;
const targetForm = z.union([dotenvTarget, commandTarget, gateway.omit({ as: true })]);
const target = oneOf(
  targetKinds,
  targetForm,
  'expected "dotenv", "command" or "gateway", which says where the value is put',
);

/** Where one value of a secret is put; paths as they stand in the file. */
export type StatedTarget = z.output<typeof target>;

const programLine = z.array(word).min(1, 'expected a program').max(100).meta({ secret: true });
const rotation = z.strictObject({
  every: z
    .string()
    .regex(/^\d+(\.\d+)?(s|m|h|d)$/, 'expected a time as 12h or 30d')
    .describe('How often.'),
  command: programLine
    .optional()
    .describe(
      'Has whatever checks it accept the new value: its input, and AUTHMESH_SECRET; AUTHMESH_SECRET_BEFORE is the old one.',
    ),
  verify: programLine.optional().describe('Ends 0 when the new value, its input, is accepted.'),
  generate: programLine.optional().describe('Prints a new value; 32 random bytes, where nothing is said.'),
});
export type StatedRotation = z.output<typeof rotation>;

const declaration = z.strictObject({
  name: secretName.describe('What the secret is called on every host.'),
  from: z
    .union([source.transform(one => [one]), z.array(source).min(1, 'expected at least one source')])
    .optional()
    .describe('Where its value is on this host.'),
  to: z
    .union([target.transform(one => [one]), z.array(target).max(targetsMax)])
    .optional()
    .describe('Where `secret push` puts its value on this host.'),
  rotate: rotation.optional().describe('How this host gives it a new value; `to` has to name where that is put.'),
  group: secretGroup.optional().describe('Only hosts that name the same group are compared.'),
});

/** `secrets` of `agent.json`. */
export const secretDeclarations = z.array(declaration).superRefine((declarations, { addIssue }) => {
  const known = new Set<string>();
  for (const [index, { name, group }] of declarations.entries()) {
    const key = JSON.stringify([name, group]);
    if (known.has(key)) addIssue({ code: 'custom', path: [index, 'name'], message: 'expected each secret once' });
    known.add(key);
  }
  for (const [index, { name, from }] of declarations.entries())
    if (!from && name !== gatewayTokenName)
      addIssue({ code: 'custom', path: [index, 'from'], message: 'expected where its value is on this host' });
  for (const [index, { name, to = [] }] of declarations.entries())
    for (const one of to)
      if ('dotenv' in one && !/^[\w.-]+$/.test(one.key ?? name))
        addIssue({ code: 'custom', path: [index, 'to'], message: 'expected a "key" that a dotenv file can hold' });
  const sources = declarations.reduce((count, { from = [] }) => count + from.length, 0);
  if (sources > readingsPerNodeMax)
    addIssue({ code: 'custom', message: `expected at most ${readingsPerNodeMax} sources, not ${sources}` });
});
type StatedDeclaration = z.output<typeof declaration>;

/** A secret of this host, with all of its places. */
export interface SecretDeclaration extends Omit<StatedDeclaration, 'from' | 'to'> {
  readonly from: readonly StatedSource[];
  readonly to: readonly StatedTarget[];
}

/** The token of the gateway has its places by itself, in each of these state folders. */
export function withPlaces(
  { from, to, ...stated }: StatedDeclaration,
  stateDirs: readonly string[],
): SecretDeclaration {
  const own = from ? [] : stateDirs.map(gateway => ({ gateway }));
  return { ...stated, from: from ?? own, to: to ?? own };
}
