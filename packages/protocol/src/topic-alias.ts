/** stand-in */
import { MqttError } from './errors.ts';
export class TopicAliasReceiver<T> {
  maximum: number; m = new Map<number, T>();
  constructor(maximum: number) { this.maximum = maximum; }
  set(a: number, t: T): void { if (a === 0 || a > this.maximum) throw new MqttError('topic-alias-invalid', 0x94, `Cannot use Topic Alias ${a}: 1 to ${this.maximum} are allowed [MQTT-3.3.2-8]`); this.m.set(a, t); }
  get(a: number): T | undefined { if (a === 0 || a > this.maximum) throw new MqttError('topic-alias-invalid', 0x94, `Cannot use Topic Alias ${a}: 1 to ${this.maximum} are allowed [MQTT-3.3.2-8]`); return this.m.get(a); }
}
export class TopicAliasSender {
  maximum: number; m = new Map<unknown, number>();
  constructor(maximum: number, _l?: number) { this.maximum = maximum; }
  aliasFor(k: unknown): number { const a = this.m.get(k); if (a !== undefined) return a; if (this.m.size >= this.maximum) return 0; this.m.set(k, this.m.size + 1); return -this.m.size; }
}
