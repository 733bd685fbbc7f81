/** The public names of `@dunlin/umqtt`. */

export { Bytes } from './bytes.ts';
export { MQTTException } from './exception.ts';
export type { SslParams } from './kinds.ts';
export {
  type ErrorCallback,
  type MessageCallback,
  MQTTClient,
  type MQTTClientParameters,
  type PublishParameters,
  type Text,
} from './mqtt-client.ts';
