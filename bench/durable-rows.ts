/**
 * The rows of stored sessions and retained messages, where an acknowledgement is a promise: what that costs.
 *
 * Each meets a broker and an empty data directory of its own. What a broker has promised when it acknowledges differs:
 * see `promise` in `broker-kinds.ts`.
 */
import type { Aim, Figure, Row } from './rows.ts';

const noQoS2 = { nats: 'no QoS 2 in this version' };
const aheadOfNats: Aim = { times: 1, than: 'nats' };
const timesMosquitto = (times: number): Aim => ({ times, than: 'mosquitto' });

function perMessage(key: string, title: string, ...aims: Aim[]): Figure {
  return { key, title, unit: 'µs', better: 'lower', aims };
}

function perSecond(key: string, title: string, ...aims: Aim[]): Figure {
  return { key, title, unit: '/s', better: 'higher', aims };
}

function time(key: string, title: string, unit: 'ms' | 'µs', ...aims: Aim[]): Figure {
  return { key, title, unit, better: 'lower', aims };
}

/** 50 pairs whose publishers and subscribers are connected and have stored sessions. */
function pairs(id: string, title: string, qos: 1 | 2, window: number, speed: Aim): Row {
  return {
    table: 'durable',
    id,
    title,
    load: `pairs --durable -n 50 --qos ${qos} --window ${window}`,
    fresh: true,
    timed: true,
    figures: [
      perSecond('ack_s', 'acknowledged a second', speed),
      perMessage('cpu_us_msg', 'CPU a delivered message', ...(qos === 1 ? [timesMosquitto(5)] : [])),
    ],
    ...(qos === 2 ? { unsupported: noQoS2 } : {}),
  };
}

/** In the order of the table. */
export const durableRows: readonly Row[] = [
  {
    table: 'durable',
    id: 'queue100k-q1',
    title: '100,000 queued for one who is away, QoS 1, 256 B',
    load: 'queue --qos 1 --size 256 --count 100000',
    fresh: true,
    timed: false,
    figures: [
      perMessage('cpu_us_enqueue', 'CPU a message queued', timesMosquitto(1)),
      perSecond('enqueue_s', 'acknowledged a second', aheadOfNats),
      perMessage('cpu_us_drain', 'CPU a message drained', timesMosquitto(1)),
      perSecond('drain_s', 'drained a second'),
    ],
  },
  {
    table: 'durable',
    id: 'queue100k-q2',
    title: '100,000 queued for one who is away, QoS 2, 256 B',
    load: 'queue --qos 2 --size 256 --count 100000',
    fresh: true,
    timed: false,
    figures: [
      perMessage('cpu_us_enqueue', 'CPU a message queued'),
      perSecond('enqueue_s', 'acknowledged a second', { least: 50_000 }),
      perMessage('cpu_us_drain', 'CPU a message drained'),
      perSecond('drain_s', 'drained a second'),
    ],
    unsupported: noQoS2,
  },
  {
    table: 'durable',
    id: 'retain100k',
    title: '100,000 retained',
    load: 'retain --qos 1 --count 100000 --keep',
    fresh: true,
    timed: false,
    figures: [
      perMessage('cpu_us_store', 'CPU a message stored', { most: 4 }, { most: 1.5, of: 'dunlin-memory' }),
      perSecond('store_s', 'stored a second'),
      time('deliver_ms', 'all delivered to one new subscriber', 'ms', { most: 200 }),
    ],
  },
  pairs('durable50-q1-w20', '50 durable pairs, QoS 1, window 20', 1, 20, aheadOfNats),
  pairs('durable50-q1-w200', '50 durable pairs, QoS 1, window 200', 1, 200, aheadOfNats),
  pairs('durable50-q2-w20', '50 durable pairs, QoS 2, window 20', 2, 20, { least: 50_000 }),
  pairs('durable50-q2-w200', '50 durable pairs, QoS 2, window 200', 2, 200, { least: 50_000 }),
  {
    table: 'durable',
    id: 'puback1k',
    title: 'PUBACK at 1,000 msg/s, subscriber away',
    load: 'puback --qos 1 --size 256 --rate 1000 --duration 5 --flush-file $FOLDER/flush',
    fresh: true,
    timed: false,
    figures: [
      time('p50_us', 'PUBACK, median', 'µs'),
      time('p99_us', 'PUBACK, 99th percentile', 'µs'),
      time('flush_p50_us', "the device's own flush in this run, median", 'µs'),
      time('flush_p99_us', "the device's own flush, 99th percentile", 'µs'),
    ],
  },
];
