import { exitCodes } from '@authmesh/shared/node/exit-codes';
import { type ServiceDescription, stopSeconds } from './service-description.ts';

/**
 * Text of a systemd user unit.
 *
 * The hardening is what works for a user's own manager without namespaces of its own: mount options such as
 * `ProtectSystem=` fail to start there, and `MemoryDenyWriteExecute=` does not go with V8. An invalid configuration and a
 * membership that has ended are not cured by starting again.
 */
export function systemdUnit(service: ServiceDescription): string {
  const [program, ...args] = service.command;
  const lines = (key: string, values: readonly string[]) => values.map(value => `${key}=${value}`);
  return [
    '[Unit]',
    `Description=${escapeSpecifiers(singleLine(service.summary))}`,
    ...lines('Before', service.before),
    ...lines('After', service.after),
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${[quoteProgram(program), ...args.map(quoteArgument)].join(' ')}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    ...Object.entries(service.environment).map(([name, value]) => `Environment=${quote(`${name}=${value}`)}`),
    'Restart=always',
    'RestartSec=2',
    `RestartPreventExitStatus=${exitCodes.notAllowed} ${exitCodes.configuration}`,
    `TimeoutStopSec=${stopSeconds}`,
    'UMask=0077',
    'LimitCORE=0',
    'NoNewPrivileges=yes',
    'LockPersonality=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'RestrictNamespaces=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'SystemCallArchitectures=native',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
}

/** The program's path: no variable is looked for in it, so a dollar sign stays as it is. */
function quoteProgram(path: string): string {
  return quote(path);
}

/** An argument of `ExecStart=`, where `$` begins a variable. */
function quoteArgument(argument: string): string {
  return quote(argument.replaceAll('$', '$$$$'));
}

/** A word of a unit file: specifiers and quotes taken literally (systemd.syntax(7), systemd.unit(5)). */
function quote(word: string): string {
  const escaped = escapeSpecifiers(word)
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t');
  return /^[\w@%+=:,./$-]+$/.test(word) ? escaped : `"${escaped}"`;
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

function singleLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
