/** Runs the conformance tests in a process of their own, over one transport. */

import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Framing, Transport } from './transport.ts';

export interface ConformanceRun {
  readonly transport: Transport;
  readonly framing: Framing;
}

/** Every transport, and over WebSocket every framing. */
export const RUNS: readonly ConformanceRun[] = [
  { transport: 'tcp', framing: 'whole' },
  { transport: 'tls', framing: 'whole' },
  { transport: 'ws', framing: 'whole' },
  { transport: 'ws', framing: 'split' },
  { transport: 'ws', framing: 'joined' },
  { transport: 'wss', framing: 'whole' },
  { transport: 'unix', framing: 'whole' },
  { transport: 'proxy', framing: 'whole' },
];

/** A file whose tests do not end is ended after so long; the slowest takes a tenth of it. */
const TEST_TIMEOUT_MS = 200_000;

export interface ConformanceOutcome {
  readonly passed: number;
  readonly failed: number;
  /** Titles and reasons, as node:test prints them. */
  readonly skipped: readonly string[];
  readonly seconds: number;
  /** All that the tests printed. */
  readonly text: string;
}

/** Settles when all tests have run, whatever came of it; `failed` also counts a run that broke. */
export async function runConformance({ transport, framing }: ConformanceRun): Promise<ConformanceOutcome> {
  const root = join(import.meta.dirname, '../..');
  // Within node:test the inner run would take itself for a part of the outer one.
  const { NODE_TEST_CONTEXT: _outer, ...env } = process.env;
  const flags = ['--conditions=@dunlin/source', '--test', '--test-concurrency=2', '--test-reporter=tap'];
  flags.push(`--test-timeout=${TEST_TIMEOUT_MS}`);
  const files = globSync('test/conformance/*.test.ts', { cwd: root });
  const begunMs = performance.now();
  const child = spawn(process.execPath, [...flags, ...files], {
    cwd: root,
    env: { ...env, DUNLIN_CONFORMANCE_TRANSPORT: transport, DUNLIN_CONFORMANCE_FRAMING: framing },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject).on('close', resolve);
  const status = await promise;
  const count = (name: string): number => Number(text.match(new RegExp(`^# ${name} (\\d+)$`, 'm'))?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  return {
    passed: count('pass'),
    failed: status === 0 ? failed : Math.max(1, failed),
    skipped: [...text.matchAll(/^ *ok \d+ - (.* # SKIP .*)$/gm)].map(([, title]) => title),
    seconds: Math.round((performance.now() - begunMs) / 1000),
    text,
  };
}

/** One line of what came of a run, one for each test that was skipped, and what the failed ones said. */
export function told({ transport, framing }: ConformanceRun, outcome: ConformanceOutcome): string {
  const { passed, failed, skipped, seconds, text } = outcome;
  const name = framing === 'whole' ? transport : `${transport}, frames ${framing}`;
  const lines = [`${name}: ${passed} passed, ${failed} failed, ${skipped.length} skipped, ${seconds} s`];
  for (const title of skipped) lines.push(`  skipped: ${title}`);
  if (failed > 0) lines.push(...text.split('\n').filter((line) => /^\s*(?:not ok|error:|\s*location:)/.test(line)));
  return lines.join('\n');
}
