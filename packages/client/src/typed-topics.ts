/** Typed topics, `@dunlin/client/topics`: schemas by topic template, for both ends of a message and of a request. */

import type { Client } from './client.ts';
import type { PublishOptions, SubscribeOptions } from './client-api.ts';
import type { PublishResult } from './connection.ts';
import { MqttError, shown } from './errors.ts';
import { callApart } from './events.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { RequestOptions } from './requester.ts';
import type { RespondOptions } from './responder.ts';
import type { SchemaInput, SchemaIssue, SchemaOutput, SchemaResult, StandardSchema } from './standard-schema.ts';
import type { PendingSubscription, Subscription } from './subscription.ts';
import { type TemplateParams, TopicTemplate } from './topic-template.ts';

export type { SchemaInput, SchemaIssue, SchemaOutput, SchemaResult, StandardSchema } from './standard-schema.ts';
export { type TemplateParams, TopicTemplate } from './topic-template.ts';

/** A topic for requests; `responseTopic` is the template of the answers, which 3.x needs, with `{id}` in both. */
export interface RequestTopic {
  readonly request: StandardSchema;
  readonly response: StandardSchema;
  readonly responseTopic?: string | undefined;
}

/** By topic template: the schema of its messages, or those of a request. They describe the JSON on the wire. */
export type TopicSchemas = Readonly<Record<string, StandardSchema | RequestTopic>>;

/** The templates that are published and subscribed to. */
export type MessageTemplate<Schemas extends TopicSchemas> = {
  [Template in keyof Schemas & string]: Schemas[Template] extends StandardSchema ? Template : never;
}[keyof Schemas & string];

/** The templates that are requested and responded to. */
export type RequestTemplate<Schemas extends TopicSchemas> = Exclude<keyof Schemas & string, MessageTemplate<Schemas>>;

/** A message that has passed its schema. */
export interface TypedMessage<Template extends string, Value> {
  readonly message: ReceivedMessage;
  readonly params: TemplateParams<Template>;
  readonly value: Value;
}

/** A subscription whose messages are typed. */
export interface TypedSubscription<Message> extends AsyncIterable<Message> {
  readonly subscription: Subscription;
  /** See `Subscription.unsubscribe`. */
  unsubscribe(): Promise<void>;
}

/** A typed subscription on its way: `await` it for the server's answer, or iterate over it at once. */
export type PendingTypedSubscription<Message> = Promise<TypedSubscription<Message>> & AsyncIterable<Message>;

/** What a client with typed topics needs of the client. */
export type TopicsClient = Pick<Client, 'publish' | 'subscribe' | 'request' | 'respond'>;

/** Options of `with`. */
export interface TypedOptions {
  /**
   * Hears of a received message that is not what its topic promises: the topic, the JSON or the schema. `error.cause` has
   * the issues. The message is acknowledged like any other, and a request is not answered.
   */
  readonly invalid?: ((message: ReceivedMessage, error: MqttError) => void) | undefined;
}

type SchemaOf<Definition> = Extract<Definition, StandardSchema>;
type MessageOf<Schemas extends TopicSchemas, Template extends keyof Schemas & string> = TypedMessage<
  Template,
  SchemaOutput<SchemaOf<Schemas[Template]>>
>;
type RequestOf<Definition> = Extract<Definition, RequestTopic>['request'];
type ResponseOf<Definition> = Extract<Definition, RequestTopic>['response'];

/** Topics for any number of clients. Throws 'invalid' for a template that cannot be. */
export function defineTopics<const Schemas extends TopicSchemas>(schemas: Schemas): DefinedTopics<Schemas> {
  return new DefinedTopics(schemas);
}

/** Made by `defineTopics`. */
export class DefinedTopics<const Schemas extends TopicSchemas> {
  readonly schemas: Schemas;
  readonly #templates: ReadonlyMap<string, TopicTemplate>;

  constructor(schemas: Schemas) {
    this.schemas = schemas;
    this.#templates = new Map(Object.keys(schemas).map((text) => [text, new TopicTemplate<string>(text)]));
  }

  /** The topics on a client. */
  with(client: TopicsClient, options: TypedOptions = {}): TypedClient<Schemas> {
    return new TypedClient(client, this.schemas, this.#templates, options);
  }
}

/** Publishes, subscribes, requests and responds by topic template; made by `DefinedTopics.with`. */
export class TypedClient<const Schemas extends TopicSchemas> {
  /** Received messages that were not what their topics promise. */
  readonly stats: { invalid: number } = { invalid: 0 };
  readonly #client: TopicsClient;
  readonly #schemas: Schemas;
  readonly #templates: ReadonlyMap<string, TopicTemplate>;
  readonly #options: TypedOptions;

  constructor(
    client: TopicsClient,
    schemas: Schemas,
    templates: ReadonlyMap<string, TopicTemplate>,
    options: TypedOptions,
  ) {
    this.#client = client;
    this.#schemas = schemas;
    this.#templates = templates;
    this.#options = options;
  }

  /** Publishes the value as JSON. Rejects 'invalid' where what would arrive fails the schema, and as `Client.publish`. */
  async publish<Template extends MessageTemplate<Schemas>>(
    template: Template,
    params: TemplateParams<NoInfer<Template>>,
    value: SchemaInput<SchemaOf<Schemas[Template]>>,
    options?: PublishOptions,
  ): Promise<PublishResult> {
    const topic = this.#template(template).fill(params);
    const schema = this.#schemas[template] as StandardSchema;
    return this.#client.publish(topic, await jsonOf(`Cannot publish to "${topic}"`, schema, value), options);
  }

  /**
   * Subscribes with `+` for each parameter that is not given. Settles and iterates as `Client.subscribe`; throws
   * 'invalid' for a parameter that is no level. Validation that is asynchronous may change the order for a handler.
   */
  subscribe<Template extends MessageTemplate<Schemas>>(
    template: Template,
    params: Partial<TemplateParams<NoInfer<Template>>>,
    options: Omit<SubscribeOptions, 'acknowledge'> = {},
    handler?: (message: MessageOf<Schemas, Template>) => unknown,
  ): PendingTypedSubscription<MessageOf<Schemas, Template>> {
    type Message = MessageOf<Schemas, Template>;
    const read = (message: ReceivedMessage) => this.#read(template, message) as Awaitable<Message | undefined>;
    const pending = this.#client.subscribe(
      this.#template(template).filter(params),
      options,
      handler && ((message) => after(read(message), (typed) => typed && handler(typed))),
    );
    const typed = async (): Promise<TypedSubscription<Message>> => {
      const subscription = await pending;
      return {
        subscription,
        unsubscribe: () => subscription.unsubscribe(),
        [Symbol.asyncIterator]: () => typedMessages(subscription, read),
      };
    };
    const answered = typed();
    return Object.assign(answered, {
      [Symbol.asyncIterator]: () => {
        // The loop throws it.
        answered.catch(() => {});
        return typedMessages(pending, read);
      },
    });
  }

  /**
   * Requests with the value as JSON and settles with that of the answer. Rejects 'invalid' where one of the two fails
   * its schema, and as `Client.request`.
   */
  async request<Template extends RequestTemplate<Schemas>>(
    template: Template,
    params: Omit<TemplateParams<NoInfer<Template>>, 'id'>,
    value: SchemaInput<RequestOf<Schemas[Template]>>,
    options: Omit<RequestOptions, 'params' | 'responseTopic'> = {},
  ): Promise<SchemaOutput<ResponseOf<Schemas[Template]>>> {
    const { request, response, responseTopic } = this.#requestTopic(template);
    const attempt = `Cannot request "${template}"`;
    const answer = await this.#client.request<string>(template, await jsonOf(attempt, request, value), {
      ...options,
      params,
      ...(responseTopic !== undefined && { responseTopic }),
    });
    return valueIn(attempt, response, answer);
  }

  /**
   * Answers requests with what the handler gives, which becomes JSON; undefined: no answer. Settles as
   * `Client.respond`. A request that fails its schema goes to `invalid`, an answer that does to `responderFailed`.
   */
  respond<Template extends RequestTemplate<Schemas>>(
    template: Template,
    params: Partial<TemplateParams<NoInfer<Template>>>,
    handler: (
      request: TypedMessage<Template, SchemaOutput<RequestOf<Schemas[Template]>>>,
    ) => Awaitable<SchemaInput<ResponseOf<Schemas[Template]>> | undefined>,
    options: Omit<RespondOptions, 'params' | 'responseTopic'> = {},
  ): PendingSubscription {
    type Request = TypedMessage<Template, SchemaOutput<RequestOf<Schemas[Template]>>>;
    const { response, responseTopic } = this.#requestTopic(template);
    const answer = async (message: ReceivedMessage): Promise<string | undefined> => {
      const request = (await this.#read(template, message)) as Request | undefined;
      const value = request && (await handler(request));
      return value === undefined ? undefined : jsonOf(`Cannot respond to "${shown(message.topic)}"`, response, value);
    };
    return this.#client.respond<string>(template, answer, {
      ...options,
      params: params as TemplateParams<string>,
      ...(responseTopic !== undefined && { responseTopic }),
    });
  }

  #template<Template extends string>(text: Template): TopicTemplate<Template> {
    const template = this.#templates.get(text);
    if (template !== undefined) return template as TopicTemplate<Template>;
    throw new MqttError('invalid', `Cannot use the template "${shown(text)}": one given to defineTopics is expected`);
  }

  #requestTopic(text: string): RequestTopic {
    this.#template(text);
    return this.#schemas[text] as RequestTopic;
  }

  /** Undefined for a message that is not what its topic promises. A promise only where the schema gives one. */
  #read(text: string, message: ReceivedMessage): Awaitable<TypedMessage<string, unknown> | undefined> {
    const definition = this.#schemas[text];
    const schema = '~standard' in definition ? definition : definition.request;
    const attempt = `Cannot take a message on "${shown(message.topic)}"`;
    const invalid = (error: unknown): undefined => {
      this.stats.invalid += 1;
      if (this.#options.invalid !== undefined) callApart(this.#options.invalid, message, error as MqttError);
    };
    try {
      const params = this.#template(text).match(message.topic);
      if (params === undefined) throw new MqttError('invalid', `${attempt}: a topic of "${shown(text)}" is expected`);
      const read = after(valueIn(attempt, schema, message), (value) => ({ message, params, value }));
      return read instanceof Promise ? read.catch(invalid) : read;
    } catch (error) {
      return invalid(error);
    }
  }
}

type Awaitable<Value> = Value | Promise<Value>;

/** Goes on at once where nothing is to be waited for, so that messages keep their order. */
function after<Value, Result>(value: Awaitable<Value>, next: (value: Value) => Result): Awaitable<Awaited<Result>> {
  return (value instanceof Promise ? value.then(next) : next(value)) as Awaitable<Awaited<Result>>;
}

async function* typedMessages<Message>(
  messages: AsyncIterable<ReceivedMessage>,
  read: (message: ReceivedMessage) => Awaitable<Message | undefined>,
): AsyncGenerator<Message, undefined> {
  for await (const message of messages) {
    const typed = await read(message);
    if (typed !== undefined) yield typed;
  }
}

/** The JSON of a value. What it checks is what will arrive: JSON has no dates, and leaves out what is undefined. */
async function jsonOf(attempt: string, schema: StandardSchema, value: unknown): Promise<string> {
  const [json, arriving] = parsed(attempt, () => {
    const text = JSON.stringify(value);
    return [text, JSON.parse(text)] as const;
  });
  await checked(attempt, schema, arriving);
  return json;
}

function valueIn(attempt: string, schema: StandardSchema, message: ReceivedMessage): Awaitable<unknown> {
  return checked(
    attempt,
    schema,
    parsed(attempt, () => JSON.parse(message.text())),
  );
}

function parsed<Value>(attempt: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    throw new MqttError('invalid', `${attempt}: JSON is expected, ${shown((cause as Error).message)}`, { cause });
  }
}

function checked(attempt: string, schema: StandardSchema, value: unknown): Awaitable<unknown> {
  const failed = (cause: unknown): never => {
    throw new MqttError('invalid', `${attempt}: the schema threw ${shown(String(cause))}`, { cause });
  };
  let outcome: Awaitable<SchemaResult<unknown>>;
  try {
    outcome = schema['~standard'].validate(value);
  } catch (cause) {
    return failed(cause);
  }
  return after(outcome instanceof Promise ? outcome.catch(failed) : outcome, (result) => {
    if (result.issues === undefined) return result.value;
    throw new MqttError('invalid', `${attempt}: ${described(result.issues[0])}`, { cause: result.issues });
  });
}

function described({ path = [], message }: SchemaIssue): string {
  const place = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
  return shown(place === '' ? message : `${place}: ${message}`);
}
