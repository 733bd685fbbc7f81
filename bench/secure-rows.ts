/** The rows of doors with locks: what TLS costs for a message, a handshake and a connection, and what passwords cost. */
import type { BrokerName } from './broker-kinds.ts';
import type { Aim, Figure, Row } from './rows.ts';

const asMosquitto: Aim = { of: 'dunlin-tls', times: 1, than: 'mosquitto-tls' };
const overTls: readonly BrokerName[] = ['dunlin-tls', 'mosquitto-tls'];
const byPassword: readonly BrokerName[] = ['dunlin-password', 'mosquitto-password'];

function tlsPairs(qos: 0 | 1, window: number, title: string): Row {
  return {
    table: 'secure',
    id: `tls-pairs50-q${qos}-w${window}`,
    title,
    load: `pairs -n 50 --qos ${qos} --window ${window} --tls`,
    fresh: false,
    timed: true,
    figures: [
      {
        key: 'cpu_us_msg',
        title: 'CPU a delivered message',
        unit: 'µs',
        better: 'lower',
        beside: { key: 'msg_s', title: 'msg/s' },
        aims: [asMosquitto],
      },
    ],
    among: overTls,
  };
}

const connectionFigures = (than: BrokerName, of: BrokerName, memory: boolean): Figure[] => [
  { key: 'conn_s', title: 'connections a second', unit: '/s', better: 'higher', aims: [{ of, times: 1, than }] },
  ...(memory
    ? [{ key: 'rss_per_conn_kb', title: 'memory an idle connection', unit: 'KB', better: 'lower' } as const]
    : []),
];

/** In the order of the table. */
export const secureRows: readonly Row[] = [
  tlsPairs(0, 100, '50 pairs over TLS, QoS 0'),
  tlsPairs(1, 100, '50 pairs over TLS, QoS 1'),
  tlsPairs(0, 1, '50 pairs over TLS, nothing to batch'),
  {
    table: 'secure',
    id: 'tls-connect4000',
    title: '4,000 TLS handshakes and connections',
    load: 'connect -n 4000 --tls --hold 3',
    fresh: true,
    timed: false,
    figures: connectionFigures('mosquitto-tls', 'dunlin-tls', true),
    among: overTls,
  },
  {
    table: 'secure',
    id: 'passwords10k',
    title: '10,000 connections with one password',
    load: 'connect -n 10000 --srcs 4 --hold 1 --user bench --pass bench-password',
    fresh: true,
    timed: false,
    figures: connectionFigures('mosquitto-password', 'dunlin-password', false),
    among: byPassword,
  },
];
