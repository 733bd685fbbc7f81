#!/usr/bin/env node
/**
 * The command `dunlin`: checks the Node version, then runs the tool. Plain JavaScript, so that an old Node can read it.
 *
 * In a checkout of the repository the tool runs from its TypeScript sources; they need Node 24, which the repository
 * brings along as the development dependency "node", and a condition that must stand on Node's command line.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(packageRoot, 'src', 'main.ts');
const isNew = Number(process.versions.node.split('.')[0]) >= NODE_MAJOR;

if (existsSync(source)) runSource(isNew ? process.execPath : nodeOfRepository());
else if (isNew) await runBuilt();
else refuse();

/** The Node binary of the npm package "node" in a folder above, or undefined. */
function nodeOfRepository() {
  for (let folder = packageRoot; ; folder = dirname(folder)) {
    const binary = join(folder, 'node_modules', 'node', 'bin', 'node');
    if (existsSync(binary)) return binary;
    if (folder === dirname(folder)) return undefined;
  }
}

async function runBuilt() {
  const { keepHangUp } = await import('../dist/hang-up.js');
  if (process.argv[2] === 'serve') keepHangUp();
  const { processTerminal, run } = await import('../dist/index.js');
  const terminal = processTerminal();
  const exitCode = await run(process.argv.slice(2), terminal);
  await terminal.written();
  process.exit(exitCode);
}

function runSource(node) {
  if (node === undefined) return refuse();
  const parameters = ['--conditions=@dunlin/source', source, ...process.argv.slice(2)];
  // Where this process can become the tool, signals and the exit code need no care.
  if (isNew && typeof process.execve === 'function') {
    process.removeAllListeners('warning');
    process.execve(node, [node, ...parameters]);
  }
  const tool = spawn(node, parameters, { stdio: 'inherit' });
  // Ctrl-C in a terminal reaches both processes; the tool decides what it means.
  process.on('SIGINT', () => process.stdin.isTTY || tool.kill('SIGINT'));
  process.on('SIGTERM', () => tool.kill('SIGTERM'));
  process.on('SIGHUP', () => tool.kill('SIGHUP'));
  tool.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function refuse() {
  console.error(
    `dunlin needs Node ${NODE_MAJOR} or newer, this is ${process.version}.\n` +
      (existsSync(source)
        ? 'Run "npm install" in the repository: it brings Node 24 along. Then start again.'
        : 'Install Node 24 or newer (https://nodejs.org).'),
  );
  process.exitCode = 1;
}
