/** Installs what `prerequisites.ts` finds missing, where that is possible: as root on Debian, without starting services. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { commandPath, missingPrerequisites, type PrerequisiteName, packagesFor } from './prerequisites.ts';

const policyFile = '/usr/sbin/policy-rc.d';
const aptOptions = ['-q', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3'];

/** Whether packages can be installed here: root, and apt-get is at hand. */
function canInstall(): boolean {
  return process.getuid?.() === 0 && commandPath('apt-get') !== undefined;
}

function apt(...parameters: string[]): void {
  const { status, error } = spawnSync('apt-get', [...aptOptions, ...parameters], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 600_000,
  });
  if (status !== 0) console.error(`apt-get ${parameters[0]} failed: ${error?.message ?? `exit code ${status}`}`);
}

/** Runs `work` while Debian's package scripts are forbidden to start services (the broker mosquitto would listen on 1883). */
function withoutServices(work: () => void): void {
  const ours = !existsSync(policyFile);
  // A handler keeps this process alive for the removal below when Ctrl-C ends apt-get.
  const stay = () => {};
  process.on('SIGINT', stay);
  process.on('SIGTERM', stay);
  try {
    if (ours) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    work();
  } finally {
    if (ours) rmSync(policyFile, { force: true });
    process.off('SIGINT', stay);
    process.off('SIGTERM', stay);
  }
}

/**
 * Installs the missing prerequisites if it can and returns the names still missing, after naming them on stderr.
 * It waits for apt-get, up to some minutes on a slow line, and never throws for a failed installation.
 */
export function ensurePrerequisites(): PrerequisiteName[] {
  const wanted = missingPrerequisites();
  if (wanted.length === 0) return [];
  if (canInstall()) {
    console.log(`Installing for the tests: ${packagesFor(wanted).join(' ')}`);
    withoutServices(() => {
      apt('update');
      apt('install', '--yes', '--no-install-recommends', ...packagesFor(wanted));
    });
  }
  const absent = missingPrerequisites();
  if (absent.length > 0) {
    console.error(
      `Missing: ${absent.join(', ')}. Tests that need them are skipped by name.\n` +
        `On Debian: sudo apt-get install --no-install-recommends ${packagesFor(absent).join(' ')}`,
    );
  }
  return absent;
}
