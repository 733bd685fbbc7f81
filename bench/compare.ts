/**
 * Compares Dunlin with other brokers: `npm run bench:compare [-- rows…] [--runs 3] [--duration 2] [--broker NAME]…`.
 *
 * Prints the tables, writes the figures of every run to `bench/results/`, and, when every row and broker took part,
 * the tables with all that is needed to repeat it to `bench/RESULTS.md`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { brokerKinds, brokerNames, selectBrokers } from './broker-kinds.ts';
import { endChildrenOnExit } from './brokers.ts';
import { fileSystemOf } from './file-system.ts';
import { loadOptions } from './load.ts';
import { measure, type Plan, type RowResults } from './measure.ts';
import { faultsOf, formatTable, linesOf, median } from './report.ts';
import { rows, selectRows, type TableName, tables } from './rows.ts';

const folder = import.meta.dirname;

type Texts = Readonly<Record<TableName, string>>;

/** Where and when the figures were taken. */
interface Occasion {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly load: string;
  /** Of the folders that the brokers write to. */
  readonly fileSystem: string;
}

function readPlan(): Plan {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: '3' },
      duration: { type: 'string', default: '2' },
      broker: { type: 'string', multiple: true },
      'dunlin-command': { type: 'string' },
    },
  });
  const brokers = selectBrokers(values.broker);
  const [runs, seconds] = [Number(values.runs), Number(values.duration)];
  if (!(runs >= 1 && seconds > 0 && seconds <= 30)) throw new Error('--runs is 1 or more, --duration up to 30 seconds');
  return { rows: selectRows(positionals), brokers, runs, seconds, dunlinCommand: values['dunlin-command'] };
}

function occasion(): Occasion {
  const git = (...parameters: string[]) => {
    try {
      return execFileSync('git', parameters, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
    } catch {
      return '';
    }
  };
  const changed = git('status', '--porcelain', '--', '..') === '' ? '' : ' with uncommitted changes';
  const { model } = cpus()[0];
  return {
    date: new Date().toISOString(),
    commit: `${git('rev-parse', '--short', 'HEAD') || 'none yet'}${changed}`,
    machine: `${cpus().length} × ${model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`,
    load: loadavg()
      .map((value) => value.toFixed(2))
      .join(' '),
    fileSystem: fileSystemOf(tmpdir()),
  };
}

function writeResults(plan: Plan, when: Occasion, measured: ReadonlyMap<string, RowResults>): string {
  const kinds = brokerKinds(plan);
  const brokers = Object.fromEntries(
    plan.brokers.map((name) => {
      const { command, configuration, version } = kinds[name];
      return [name, { version: version(), command, configuration }];
    }),
  );
  const lines = plan.rows.map((row) => ({
    id: row.id,
    command: `mqload ${loadOptions(row, plan).join(' ')}`,
    runs: measured.get(row.id),
  }));
  mkdirSync(join(folder, 'results'), { recursive: true });
  const path = join(folder, 'results', `${when.date.slice(0, 16).replaceAll(':', '')}.json`);
  writeFileSync(path, `${JSON.stringify({ ...when, runs: plan.runs, brokers, rows: lines }, undefined, 1)}\n`);
  return path;
}

function reportText(plan: Plan, when: Occasion, texts: Texts, faults: readonly string[], results: string): string {
  const kinds = brokerKinds(plan);
  const started = plan.brokers.map((name) => {
    const { command, configuration, version } = kinds[name];
    const lines = configuration
      ?.trimEnd()
      .split('\n')
      .map((line) => `      ${line}`);
    return [`- ${name} ${version()}: \`${command}\``, ...(lines ? ['', ...lines, ''] : [])].join('\n');
  });
  const commands = plan.rows.map((row) => {
    const further = Object.entries(row.loadOf ?? {}).map(([name, options]) => `; ${name}: \`${options}\``);
    return `- ${row.title}: \`mqload ${loadOptions(row, plan).join(' ')}\`${further.join('')}`;
  });
  const promises = tables.durable.map((name) => `- ${kinds[name].title}: ${kinds[name].promise}`);
  return `# Dunlin beside other brokers

Made by \`npm run bench:compare\` on ${when.date.slice(0, 10)} at commit ${when.commit}; every run is in \`results/${results}\`.
Medians of ${plan.runs} runs. The broker, all its threads, has one core to itself, the generator \`mqload\` the other; loopback,
MQTT 3.1.1, payloads of 16 bytes unless the row says otherwise. CPU is that of the whole broker process, its writer threads
included.

Machine: ${when.machine}. Data directories on ${when.fileSystem}. Load average when it began: ${when.load}.

## Clean sessions

The first figure is the CPU time for a delivered message, the one to compare; messages a second stand beside it.
"× Mosquitto" above 1 is better than Mosquitto. Dunlin runs as it does by default, with its data directory; nothing here is
written to it.

${texts.traffic}

## Stored sessions and retained messages

Here an acknowledgement is a promise, and the brokers do not promise the same. When one has acknowledged a message for a
stored session:

${promises.join('\n')}

"Dunlin" without a further word is \`durable\`, its default, and what the aims are for unless they name another. Compare it
with those that keep nothing to see what safety costs. \`process\` is nearest to NATS, but after a crash of the system NATS
still has what it had flushed. Each run has a broker and an empty directory of its own: the rows that count their messages
are over before a compiler has done all its work, and what that costs is in their figures.

${texts.durable}

## Behind locks

Certificates are ECDSA P-256, TLS as each broker serves it by itself. Passwords are stored as the tool of each broker writes
them by default. The last row is a storm of clients who share one password: Dunlin remembers a right one, as a keyed hash.

${texts.secure}

## Fleets of devices

Each broker has known its devices before and was started anew: Dunlin from its registry (LMDB), Mosquitto from a password file
of \`mosquitto_passwd\` and an authority for certificates. Dunlin lets a device in by the method \`devices\`: it checks the Client
Identifier against the registry, says in a retained message and in its table that the device is there, and writes down when
its token was used; Mosquitto checks the password, or the certificate, and nothing else. A wake-up of Dunlin is asked for by HTTP, answered when it
is on disk, noted in the audit log, published, and followed until the PUBACK of the device, which is stored too. Mosquitto has
nothing of the kind: the nearest thing is a plain publish of the same payload, QoS 1, by clients that wait for the PUBACK.

${texts.devices}

## How the brokers were started

Each by a shell with a free port in \`$PORT\` and an empty folder in \`$FOLDER\`; what stands below a command is \`broker.conf\` there.

${started.join('\n')}

## What each row sends

\`bench/mqload/README.md\` explains the options. Connections, subscriptions and all that is stored meet a broker started for
them alone.

${commands.join('\n')}

## What to know of these runs

${faults.length > 0 ? faults.map((fault) => `- ${fault}`).join('\n') : 'No run failed, and none lost, repeated or reordered a message.'}
`;
}

function tableText(table: TableName): string {
  const lines = plan.rows.filter((row) => row.table === table);
  if (lines.length === 0) return '';
  return formatTable(
    table,
    lines.flatMap((row) => linesOf(row, measured.get(row.id) ?? {})),
  );
}

endChildrenOnExit();
const plan = readPlan();
const when = occasion();
const measured = await measure(plan, (row, broker, result) => {
  const figures = row.figures.map(({ key, unit }) => `${median([result], key) ?? '–'} ${unit}`);
  console.error(`${row.id.padEnd(16)} ${broker.padEnd(10)} ${result.error ?? figures.join('  ')}`);
});
const texts: Texts = {
  traffic: tableText('traffic'),
  durable: tableText('durable'),
  secure: tableText('secure'),
  devices: tableText('devices'),
};
const faults = plan.rows.flatMap((row) => faultsOf(row, measured.get(row.id) ?? {}));
console.log(`\n${Object.values(texts).filter(Boolean).join('\n\n')}\n${faults.map((fault) => `\n${fault}`).join('')}`);
const path = writeResults(plan, when, measured);
const whole = plan.rows.length === rows.length && plan.brokers.length === brokerNames.length;
if (whole)
  writeFileSync(join(folder, 'RESULTS.md'), reportText(plan, when, texts, faults, path.slice(folder.length + 9)));
console.log(`Written: ${path}${whole ? ` and ${join(folder, 'RESULTS.md')}` : ''}`);
