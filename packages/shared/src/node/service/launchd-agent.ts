import { build, type PlistValue, parse } from 'plist';
import { type ServiceDescription, stopSeconds } from './service-description.ts';

/** The label under which launchd knows a service. */
export function launchdLabel(service: Pick<ServiceDescription, 'name'>): string {
  return `dev.authmesh.${service.name.replace(/^authmesh-/, '')}`;
}

/**
 * Text of a launchd property list. launchd cannot tell exit codes apart, so a program with an invalid configuration is
 * started again too, at most every 30 s. `logFile` takes what the program says on stderr.
 */
export function launchdAgent(service: ServiceDescription, logFile: string): string {
  const list: PlistValue = {
    Label: launchdLabel(service),
    ProgramArguments: [...service.command],
    EnvironmentVariables: { ...service.environment },
    RunAtLoad: true,
    KeepAlive: true,
    ThrottleInterval: 30,
    ExitTimeOut: stopSeconds,
    ProcessType: 'Background',
    // launchd reads the mask as a decimal number: 0077.
    Umask: 0o077,
    SoftResourceLimits: { Core: 0 },
    StandardOutPath: '/dev/null',
    StandardErrorPath: logFile,
  };
  return `${build(list)}\n`;
}

/** The inverse of `launchdAgent`: the list as plain values. Throws when the text is no property list. */
export function parseLaunchdAgent(text: string): unknown {
  return parse(text);
}
