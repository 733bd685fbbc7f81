/** Responses: answers requests that come to a filter or template, to where they ask for or a template says. */

import { hasWildcard, isTopicFilter, type Properties, type QoS } from '@dunlin/protocol';
import type { ClientStats, PublishOptions } from './client-api.ts';
import type { PublishResult } from './connection.ts';
import type { MessageHandler, Payload } from './options.ts';
import type { ReceivedMessage } from './received-message.ts';
import { type TemplateParams, TopicTemplate } from './topic-template.ts';

/** Options of `respond`. */
export interface RespondOptions<Filter extends string = string> {
  /** The parameters that requests must have; the others may be anything. Default: none. */
  readonly params?: Partial<TemplateParams<Filter>> | undefined;
  /** Where answers go, filled with the parameters of the request. Default: the Response Topic that the request names. */
  readonly responseTopic?: string | undefined;
  /** The most that requests come with; an answer goes out as its request came. Default 1. */
  readonly qos?: QoS | undefined;
  /** Requests being answered at once; those above it are ignored. Default 1000. */
  readonly requestsMax?: number | undefined;
}

/** Gives the payload of the answer; undefined: none is sent. What it throws is told as `responderFailed`. */
export type RequestHandler<Filter extends string = string> = (
  request: ReceivedMessage,
  params: TemplateParams<Filter>,
) => Payload | undefined | Promise<Payload | undefined>;

/** What a responder needs of its client. */
export interface ResponderClient {
  /** Counts requests that cannot be answered: no or a bad Response Topic, another topic, retained, too many at once. */
  readonly stats: Pick<ClientStats, 'requestsIgnored'>;
  publish(topic: string, payload: Payload, options: PublishOptions): Promise<PublishResult>;
}

/** What `responder` takes. */
export type ResponderParameters<Filter extends string> = Parameters<typeof responder<Filter>>;

/**
 * Makes what answers the requests that come to a filter or template with what `handler` gives.
 *
 * An answer has the Correlation Data of its request and lives no longer than that. `failed` hears where the handler of a
 * request threw, or its answer could not be published; the requester has its time-out. Throws 'invalid' for a template that
 * cannot be.
 */
export function responder<Filter extends string>(
  client: ResponderClient,
  failed: (error: unknown, request: ReceivedMessage) => void,
  filter: Filter,
  handler: RequestHandler<Filter>,
  { params: wanted, responseTopic, requestsMax = 1000 }: RespondOptions<Filter> = {},
): MessageHandler {
  const asking = new TopicTemplate(filter);
  const answering = responseTopic === undefined ? undefined : new TopicTemplate<string>(responseTopic);
  // Throws now what every request would.
  answering?.fill(Object.fromEntries(asking.names.map((name) => [name, name])));
  /** Undefined where there is none, and where the answer would be a request again. */
  const answerTopic = (request: ReceivedMessage, params: TemplateParams<Filter>): string | undefined => {
    if (answering === undefined) return request.properties.responseTopic;
    const topic = answering.fill(params as TemplateParams<string>);
    return asking.match(topic) === undefined ? topic : undefined;
  };
  // As this does, for the subscription.
  asking.filter(wanted);
  let open = 0;
  const ignored = (): void => {
    client.stats.requestsIgnored += 1;
  };
  return async (request) => {
    const params = asking.match(request.topic);
    // A retained request would be answered again with every subscription.
    if (params === undefined || request.retain || open >= requestsMax) return ignored();
    open += 1;
    try {
      const topic = answerTopic(request, params);
      if (topic === undefined || !isTopicName(topic)) return ignored();
      const payload = await handler(request, params);
      if (payload === undefined) return;
      await client.publish(topic, payload, { qos: request.qos, properties: answered(request.properties) });
    } catch (error) {
      failed(error, request);
    } finally {
      open -= 1;
    }
  };
}

function answered({ correlationData, messageExpiryInterval }: Properties): Properties {
  return {
    ...(correlationData && { correlationData }),
    ...(messageExpiryInterval !== undefined && { messageExpiryInterval }),
  };
}

/** A requester may name whatever it likes, and the answer is published with the rights of the responder. */
function isTopicName(topic: string): boolean {
  return isTopicFilter(topic) && !hasWildcard(topic);
}
