/** The rows of live traffic between clean sessions, connections and subscriptions: nothing here touches a disk. */
import type { Aim, Figure, Row } from './rows.ts';

function cpu(aim: Aim, title = 'CPU a delivered message'): Figure {
  const beside = { key: 'msg_s', title: 'msg/s' };
  return { key: 'cpu_us_msg', title, unit: 'µs', better: 'lower', beside, aims: [aim] };
}

function flow(id: string, title: string, load: string, times: number): Row {
  return { table: 'traffic', id, title, load, fresh: false, timed: true, figures: [cpu({ times })] };
}

/** In the order of the table. */
export const trafficRows: readonly Row[] = [
  flow('pairs50-q0', '50 pairs, QoS 0', 'pairs -n 50 --qos 0', 11),
  flow('pairs50-q1', '50 pairs, QoS 1', 'pairs -n 50 --qos 1', 13),
  flow('pairs50-q2', '50 pairs, QoS 2', 'pairs -n 50 --qos 2', 17),
  flow('pair1-q0', 'one pair, QoS 0', 'pairs -n 1 --qos 0', 5),
  flow('pairs1000-w20', '1,000 pairs, window 20', 'pairs -n 1000 --window 20', 7.5),
  flow('fanin50', 'fan-in 50→1', 'fanin -n 50', 9),
  {
    ...flow('fanin50-shared4', 'fan-in 50→shared among 4', 'fanin -n 50 --shared 4', 8),
    unsupported: { aedes: 'no shared subscriptions' },
  },
  flow('fanout100', 'fan-out 1→100', 'fanout --subs 100', 10),
  flow('fanout1000', 'fan-out 1→1000', 'fanout --subs 1000', 15),
  flow('pairs50-4k', '50 pairs, 4 KB', 'pairs -n 50 --size 4096', 3),
  flow('pairs50-w1', '50 pairs, nothing to batch', 'pairs -n 50 --window 1', 0.75),
  {
    table: 'traffic',
    id: 'latency10k',
    title: '50 pairs, 10,000 msg/s',
    // Longer than the others: in two seconds the tail is the compiler's work, not the broker's.
    load: 'latency -n 50 --rate 10000 --warmup 3 --duration 6',
    fresh: true,
    timed: false,
    figures: [
      cpu({ times: 0.75 }),
      {
        key: 'p99_us',
        title: 'latency, 99th percentile',
        unit: 'µs',
        better: 'lower',
        beside: { key: 'p50_us', title: 'median µs' },
        aims: [{ times: 1 }],
      },
    ],
  },
  {
    table: 'traffic',
    id: 'connect16k',
    title: '16,000 connections',
    load: 'connect -n 16000 --srcs 4 --hold 3',
    fresh: true,
    timed: false,
    figures: [
      { key: 'conn_s', title: 'connections a second', unit: '/s', better: 'higher', aims: [{ least: 20_000 }] },
      { key: 'rss_per_conn_kb', title: 'memory an idle connection', unit: 'KB', better: 'lower', aims: [{ most: 5 }] },
    ],
  },
  {
    table: 'traffic',
    id: 'subs200k',
    title: '200,000 subscriptions',
    load: 'subs --subs 200000 --clients 1000 --mix 80:15:5',
    fresh: true,
    timed: true,
    figures: [
      { key: 'rss_per_sub_bytes', title: 'memory a subscription', unit: 'B', better: 'lower', aims: [{ most: 900 }] },
      {
        key: 'subs_s',
        title: 'subscriptions loaded a second',
        unit: '/s',
        better: 'higher',
        aims: [{ least: 300_000 }],
      },
      cpu({ times: 1.6 }, 'CPU a message published through them'),
    ],
  },
];
