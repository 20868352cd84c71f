/** Writes the JSON Schema of `agent.json` that is published with the package. */
import { writeFile } from 'node:fs/promises';
import { agentFile } from '@authmesh/agent/io/formats/agent-file';
import { configurationSchema } from '@authmesh/shared/node/configuration-fields';

const file = new URL('../schema/agent.schema.json', import.meta.url);
await writeFile(file, `${JSON.stringify(configurationSchema(agentFile, 'agent.json'), undefined, 2)}\n`);
