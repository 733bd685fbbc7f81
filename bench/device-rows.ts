/** The rows of fleets: what letting devices in costs after a restart, and what a wake-up to one that is connected. */
import { CERTIFICATE_DEVICES, TOKEN_DEVICES } from './device-fleet.ts';
import type { Aim, Figure, Row } from './rows.ts';

/** With a file limit of 20,000 a server takes twice as many; a fleet that is awake leaves it room. */
const AWAKE = 8_000;
const asMosquitto: Aim = { of: 'dunlin-devices', times: 1, than: 'mosquitto-devices' };

const connects: Figure = { key: 'conn_s', title: 'connections a second', unit: '/s', better: 'higher' };
const connectCpu: Figure = {
  key: 'cpu_us_conn',
  title: 'CPU a connection',
  unit: 'µs',
  better: 'lower',
  aims: [asMosquitto],
};
const wakeUps: Figure = { key: 'wake_s', title: 'wake-ups a second', unit: '/s', better: 'higher' };
const wakeCpu: Figure = { key: 'cpu_us_wake', title: 'CPU a wake-up', unit: 'µs', better: 'lower' };
const wakeTail: Figure = { key: 'p99_us', title: 'request to device, 99 %', unit: 'µs', better: 'lower' };

function wakeRow(id: string, title: string, options: string, figures: readonly Figure[]): Row {
  return {
    table: 'devices',
    id,
    title,
    load: `wake -n ${AWAKE} --qos 1 --srcs 4 --identities $FOLDER/tokens.tsv --warmup 3 ${options}`,
    loadOf: {
      'dunlin-devices': '--api $API_PORT --api-key-file $FOLDER/api-key --command wake',
      'mosquitto-devices': '--user bench --pass bench-password',
    },
    fresh: true,
    timed: true,
    figures,
  };
}

/** In the order of the table. */
export const deviceRows: readonly Row[] = [
  {
    table: 'devices',
    id: 'devices-token10k',
    title: 'authenticating 10,000 token devices after a restart',
    load: `connect -n ${TOKEN_DEVICES} --srcs 4 --hold 1 --identities $FOLDER/tokens.tsv`,
    fresh: true,
    timed: false,
    figures: [connects, connectCpu],
  },
  {
    table: 'devices',
    id: 'devices-mtls2k',
    title: '2,000 mutual-TLS devices after a restart',
    load: `connect -n ${CERTIFICATE_DEVICES} --tls --port $TLS_PORT --hold 1 --identities $FOLDER/certificates.tsv`,
    fresh: true,
    timed: false,
    figures: [connects, connectCpu],
  },
  wakeRow('devices-wake8k', 'wake-ups to 8,000 connected devices, 32 requests at once', '--window 32', [
    wakeUps,
    wakeCpu,
    wakeTail,
  ]),
  wakeRow('devices-wake8k-paced', 'wake-ups to 8,000 connected devices, 500 a second', '--window 32 --rate 500', [
    wakeCpu,
    wakeTail,
  ]),
];
