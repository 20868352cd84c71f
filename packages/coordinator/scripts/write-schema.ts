/** Writes the JSON Schema of `coordinator.json` that is published with the package. */
import { writeFile } from 'node:fs/promises';
import { coordinatorFile } from '@authmesh/coordinator/io/coordinator-file';
import { configurationSchema } from '@authmesh/shared/node/configuration-fields';

const file = new URL('../schema/coordinator.schema.json', import.meta.url);
await writeFile(file, `${JSON.stringify(configurationSchema(coordinatorFile, 'coordinator.json'), undefined, 2)}\n`);
