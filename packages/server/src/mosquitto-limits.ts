/** The limits and settings of a mosquitto.conf as `limits` and `settings`. */
import { formatAmount } from './amount.ts';
import { CONFIGURATION } from './configuration-table.ts';
import type { ImportContext } from './mosquitto-context.ts';
import { type GivenOption, wordOf } from './mosquitto-file.ts';
import { type Fate, mosquittoOption } from './mosquitto-options.ts';
import type { AmountShape, GroupShape } from './shape.ts';

type CarriedFate = Extract<Fate, { readonly key: string }>;

/** Of a PUBLISH besides the payload: fixed header, topic with its length, Packet Identifier, and a KiB of properties. */
const PUBLISH_OVERHEAD_BYTES = 5 + 2 + 65_535 + 2 + 1024;
const SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  h: 3600,
  d: 86_400,
  w: 7 * 86_400,
  m: 30 * 86_400,
  y: 365 * 86_400,
};

export function importLimits(context: ImportContext): void {
  for (const option of context.sections.general) {
    const fate = mosquittoOption(option.name)?.fate;
    if (fate === undefined || !('key' in fate) || !/^(?:limits|settings)\./.test(fate.key)) continue;
    if (fate.key === 'limits.maximumPacketSize') continue;
    if (fate.key === 'limits.sessionExpiryMaxS') importExpiry(context, option, fate);
    else if (mosquittoOption(option.name)?.value === 'switch')
      context.draft.set(fate.key.split('.'), context.values.switch(option), { line: option.line });
    else importAmount(context, option, fate);
  }
  importPacketSize(context);
  importSharedLimits(context);
}

function importAmount(context: ImportContext, option: GivenOption, fate: CarriedFate): void {
  const value = context.values.number(option);
  if (value === undefined) return;
  if (value <= 0 && fate.zeroIsMost) setAmount(context, option, fate.key, shapeOf(fate.key).maximum);
  else if (value < 0) context.values.wrong(option, 'a number from 0');
  else setAmount(context, option, fate.key, value);
}

/** What is out of our range becomes the nearest value of it. */
function setAmount(context: ImportContext, option: GivenOption, key: string, value: number): void {
  const { minimum, maximum, unit } = shapeOf(key);
  const within = Math.min(Math.max(value, minimum), maximum);
  if (within !== value) {
    const most = within < value ? 'most' : 'least';
    context.note(option, `${key} is ${formatAmount(within, unit)}, the ${most} that it can be`);
  }
  context.draft.set(key.split('.'), within, { line: option.line });
}

function importExpiry(context: ImportContext, option: GivenOption, { key }: CarriedFate): void {
  const [, digits, unit] = /^(\d{1,9})([shdwmy])$/.exec(wordOf(option)) ?? [];
  const seconds = digits === undefined ? 0 : Number(digits) * SECONDS[unit];
  if (seconds === 0) context.values.wrong(option, 'a time such as 14d, with one of s, h, d, w, m, y');
  else setAmount(context, option, key, seconds);
}

/** max_packet_size is what maximumPacketSize is; message_size_limit counts the payload alone. */
function importPacketSize(context: ImportContext): void {
  const { general } = context.sections;
  const [packet, payload] = [general.get('max_packet_size'), general.get('message_size_limit')];
  const key = 'limits.maximumPacketSize';
  const packetBytes = packet === undefined ? undefined : context.values.number(packet);
  const payloadBytes = payload === undefined ? undefined : context.values.number(payload);
  if (packet !== undefined && packetBytes !== undefined) {
    if (packetBytes < 20) context.values.wrong(packet, 'at least 20');
    else setAmount(context, packet, key, packetBytes);
    if (payload !== undefined && payloadBytes !== 0)
      context.needless(payload, 'max_packet_size bounds payloads as well');
    return;
  }
  if (payload === undefined || payloadBytes === undefined) return;
  if (payloadBytes < 0) context.values.wrong(payload, 'a number from 0');
  else if (payloadBytes === 0) setAmount(context, payload, key, shapeOf(key).maximum);
  else {
    setAmount(context, payload, key, payloadBytes + PUBLISH_OVERHEAD_BYTES);
    context.note(payload, 'the limit is that of whole packets here, and who sends a larger one is disconnected');
  }
}

/** What is of each listener there and of the whole server here, with what counts where a listener says nothing. */
const OF_LISTENERS = { max_qos: 2, max_topic_alias: 10, max_topic_alias_broker: 10 } as const;

/** Carried where every listener comes to the same. */
function importSharedLimits(context: ImportContext): void {
  for (const [name, standard] of Object.entries(OF_LISTENERS)) {
    const given = context.listeners.map(
      ({ options }) => options.get(name) ?? (name === 'max_qos' ? options.get('maximum_qos') : undefined),
    );
    const amounts = given.map((option) => (option === undefined ? standard : context.values.number(option)));
    const first = given.find((option) => option !== undefined);
    const [value] = amounts;
    const { fate } = mosquittoOption(name) as { fate: CarriedFate };
    if (first === undefined || value === undefined) continue;
    if (amounts.some((other) => other !== value)) {
      for (const option of given)
        if (option !== undefined) context.lost(option, `${fate.key} is one for all listeners`);
    } else if (value < 0) context.values.wrong(first, 'a number from 0');
    else setAmount(context, first, fate.key, value);
  }
}

function shapeOf(key: string): AmountShape {
  const [group, name] = key.split('.');
  return (CONFIGURATION.entries[group] as GroupShape).entries[name] as AmountShape;
}
