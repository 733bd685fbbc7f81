/**
 * Requests and responses until the part of the client that knows them is there, which is loaded at the first of them:
 * they are taken at once, within their bounds, and go on in their order.
 */

import { MqttError } from './errors.ts';
import { onDemand } from './on-demand.ts';
import type { Settle } from './operation.ts';
import type { MessageHandler, Payload } from './options.ts';
import { payloadBytes } from './payload.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { AskedOptions, Requester, RequesterClient } from './requester.ts';
import type { ResponderParameters } from './responder.ts';
import type { Settings } from './settings.ts';

const requestResponse = onDemand(() => import('./request-response.ts'));

type Part = typeof import('./request-response.ts');
type Failing = Pick<Settle<never>, 'reject'>;

/** The requests and responders of one client. */
export class Requesting {
  readonly #client: RequesterClient;
  readonly #settings: Settings;
  /** What waits for the part, each until it goes on or is given up. */
  readonly #loading = new Set<Failing>();
  #requester: Requester | undefined;

  /** At most `requestsMax` requests are open at once. */
  constructor(client: RequesterClient, settings: Settings) {
    this.#client = client;
    this.#settings = settings;
  }

  /** See `Requester.request`. Throws 'queue-full', and 'invalid' for options that there are none of. */
  begin(topic: string, payload: Payload, options: AskedOptions, settle: Settle<ReceivedMessage>): () => void {
    const { environment, requestsMax } = this.#settings;
    this.#settings.checkNames?.('request', options);
    if (this.#loading.size + (this.#requester?.size ?? 0) >= requestsMax) {
      throw new MqttError('queue-full', `Cannot request "${topic}": ${requestsMax} requests wait, which is the limit`);
    }
    const bytes = payloadBytes(payload);
    let cancel = (): unknown => this.#loading.delete(settle);
    this.#whenLoaded(settle, ({ Requester }) => {
      this.#requester ??= new Requester(this.#client, environment);
      cancel = this.#requester.request(topic, bytes, options, settle);
    });
    return () => void cancel();
  }

  /** What answers requests, as `responder` makes it; rejects with what that throws. */
  respond<Filter extends string>(...given: ResponderParameters<Filter>): Promise<MessageHandler> {
    const { promise, ...settle } = Promise.withResolvers<MessageHandler>();
    this.#whenLoaded(settle, ({ responder }) => settle.resolve(responder(...given)));
    return promise;
  }

  /** The client is `disconnected`: rejects what waits for the part. */
  end(error: MqttError): void {
    for (const settle of this.#loading) settle.reject(error);
    this.#loading.clear();
  }

  #whenLoaded(settle: Failing, run: (part: Part) => void): void {
    this.#loading.add(settle);
    requestResponse()
      .then((part) => {
        if (this.#loading.delete(settle)) run(part);
      })
      .catch((error) => {
        this.#loading.delete(settle);
        settle.reject(error);
      });
  }
}

/**
 * The Topic Filter of a template, before the template is checked: what `TopicTemplate.filter` gives where that throws
 * nothing. A value that is no level leaves its parameter as it stands, so that nothing wider is subscribed to.
 */
export function uncheckedFilter(template: string, params: Readonly<Record<string, string | undefined>> = {}): string {
  return template.replace(/(?<![^/])\{(\w+)\}(?![^/])/g, (parameter, name: string) => {
    const value = params[name];
    if (value === undefined) return '+';
    return /^[^/+#\0]+$/.test(value) ? value : parameter;
  });
}
