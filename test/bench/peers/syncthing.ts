import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { createLoginStore, makeFiles, save, watchArrivals } from '../login-store.ts';
import { runToEnd, start } from '../program.ts';
import type { Way } from '../way.ts';

const firstMsMax = 60_000;

interface Device {
  readonly home: string;
  readonly shared: string;
  readonly id: string;
  readonly address: string;
}

/** Two Syncthings on loopback that know each other, with the shortest delay that its watcher takes: a second. */
export async function startSyncthing(folder: string): Promise<Way> {
  const login = createLoginStore();
  const [source, target] = makeFiles(folder, login.text());
  const devices = [await makeDevice(folder, 'a'), await makeDevice(folder, 'b')];
  for (const device of devices) writeFileSync(join(device.home, 'config.xml'), configurationOf(device, devices));
  const programs = devices.map(({ home }) =>
    start('syncthing', ['serve', `--home=${home}`, '--no-browser', '--no-restart', '--no-upgrade'], home),
  );
  const arrivals = watchArrivals(target);
  const { text, access } = login.renewed();
  save(source, text);
  const at = await arrivals.of(access, firstMsMax);
  if (at === undefined) throw new Error(`Syncthing did not bring a file over within ${firstMsMax} ms`);
  return {
    name: 'Syncthing, delay 1 s',
    source,
    login,
    arrivals,
    async stop() {
      for (const program of programs) await program.stop();
    },
  };
}

async function makeDevice(folder: string, name: string): Promise<Device> {
  const home = join(folder, `${name}-home`);
  const shared = join(folder, name);
  mkdirSync(join(shared, '.stfolder'), { recursive: true });
  await runToEnd('syncthing', ['generate', `--home=${home}`], folder);
  const said = await runToEnd('syncthing', [`--home=${home}`, '--device-id'], folder);
  const id = /[A-Z0-9]{7}(-[A-Z0-9]{7}){7}/.exec(said)?.[0] ?? '';
  return { home, shared, id, address: `tcp://127.0.0.1:${await freePort()}` };
}

function configurationOf({ shared, address }: Device, devices: readonly Device[]): string {
  const members = devices.map(({ id }) => `<device id="${id}"></device>`).join('');
  const known = devices.map(device => `<device id="${device.id}"><address>${device.address}</address></device>`);
  const off = ['globalAnnounceEnabled', 'localAnnounceEnabled', 'relaysEnabled', 'natEnabled', 'startBrowser']
    .map(option => `<${option}>false</${option}>`)
    .join('');
  return `<configuration version="35">
    <folder id="logins" path="${shared}" type="sendreceive" rescanIntervalS="3600" fsWatcherEnabled="true" fsWatcherDelayS="1">${members}</folder>
    ${known.join('')}
    <gui enabled="false"></gui>
    <options><listenAddress>${address}</listenAddress>${off}<urAccepted>-1</urAccepted></options>
  </configuration>`;
}
