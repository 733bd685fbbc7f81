/**
 * The subscriptions of this client: which of them a message belongs to, and what to subscribe to again.
 *
 * A server sends a message that several filters match once or several times, as it likes. Where it has Subscription
 * Identifiers each copy says what it is for, and goes there alone; otherwise, and where an identifier is unknown (a
 * resumed session may hold those of another process), a trie of the filters decides.
 */

import { FilterTree, type Properties, parseSharedFilter, type SubscriptionRequest } from '@dunlin/protocol';
import type { Delivery } from './delivery.ts';
import { callHandler } from './handlers.ts';
import type { MessageHandler } from './options.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { Subscription } from './subscription.ts';

/** One filter that this client has subscribed to. */
interface Route {
  /** What topics are matched by: that of a Shared Subscription stands behind `$share/name/`. */
  readonly topicFilter: string;
  readonly subscriptions: Set<Subscription>;
  request: SubscriptionRequest;
  properties: Properties;
  identifier: number;
  /** The server has granted it. */
  isGranted: boolean;
}

/** What goes into one SUBSCRIBE. */
export interface RouteGroup {
  readonly identifier: number;
  readonly properties: Properties;
  readonly requests: SubscriptionRequest[];
  readonly subscriptions: Set<Subscription>;
}

/** The subscriptions of one client by filter. */
export class Routes {
  readonly #byFilter = new Map<string, Route>();
  readonly #trie = new FilterTree<Route>();
  readonly #locals = new FilterTree<MessageHandler>();
  /** For `#foundTopic`, until something is added or removed. */
  #found: Route[] = [];
  #foundTopic: string | undefined;
  #latest = 0;

  /** Adds a subscription under each of its filters; returns the Subscription Identifier that they have. */
  add(subscription: Subscription, requests: readonly SubscriptionRequest[], properties: Properties): number {
    const identifier = properties.subscriptionIdentifiers?.[0] ?? ++this.#latest;
    for (const request of requests) {
      const { filter } = request;
      let route = this.#byFilter.get(filter);
      if (route === undefined) {
        const topicFilter = parseSharedFilter(filter)?.filter ?? filter;
        route = { topicFilter, subscriptions: new Set(), request, properties, identifier, isGranted: false };
        this.#byFilter.set(filter, route);
        this.#trie.add(topicFilter, route);
      }
      Object.assign(route, { request, properties, identifier });
      route.subscriptions.add(subscription);
    }
    this.#foundTopic = undefined;
    return identifier;
  }

  /** The server has granted the filter. */
  granted(filter: string): void {
    const route = this.#byFilter.get(filter);
    if (route !== undefined) route.isGranted = true;
  }

  /** Removes a subscription from filters, all of its own unless told; returns whether it has any left. */
  remove(subscription: Subscription, filters = subscription.filters): boolean {
    for (const filter of filters) {
      const route = this.#byFilter.get(filter);
      if (!route?.subscriptions.delete(subscription) || route.subscriptions.size > 0) continue;
      this.#trie.remove(route.topicFilter, route);
      this.#byFilter.delete(filter);
      this.#foundTopic = undefined;
    }
    return subscription.filters.some((filter) => this.#byFilter.get(filter)?.subscriptions.has(subscription));
  }

  /** Ends a subscription: with an error its iterators throw it. */
  end(subscription: Subscription, error?: Error): void {
    this.remove(subscription);
    subscription.finish(error);
  }

  /** The filters of a subscription that no other subscription has. */
  onlyOf(subscription: Subscription): string[] {
    return subscription.filters.filter((filter) => {
      const subscriptions = this.#byFilter.get(filter)?.subscriptions;
      return subscriptions?.size === 1 && subscriptions.has(subscription);
    });
  }

  /**
   * Takes the filters, when the function returned is called, from the subscriptions that have them now: who subscribes
   * in between keeps its own. It returns the subscriptions that have none left.
   */
  leaving(filters: readonly string[]): () => Subscription[] {
    const leaving = new Set(filters.flatMap((filter) => [...(this.#byFilter.get(filter)?.subscriptions ?? [])]));
    return () => [...leaving].filter((subscription) => !this.remove(subscription, filters));
  }

  /** Every subscription, each once. */
  all(): Set<Subscription> {
    return new Set([...this.#byFilter.values()].flatMap(({ subscriptions }) => [...subscriptions]));
  }

  /** All that the server had granted, for a server that has forgotten it. */
  groups(): RouteGroup[] {
    const groups = new Map<number, RouteGroup>();
    for (const { identifier, properties, request, isGranted, subscriptions } of this.#byFilter.values()) {
      if (!isGranted) continue;
      const group = groups.get(identifier) ?? { identifier, properties, requests: [], subscriptions: new Set() };
      groups.set(identifier, group);
      group.requests.push(request);
      for (const subscription of subscriptions) group.subscriptions.add(subscription);
    }
    return [...groups.values()];
  }

  /** Adds a handler for what arrives anyway; the function returned removes it. */
  handle(filter: string, handler: MessageHandler): () => void {
    const topicFilter = parseSharedFilter(filter)?.filter ?? filter;
    this.#locals.add(topicFilter, handler);
    return () => this.#locals.remove(topicFilter, handler);
  }

  /** Whether a handler that `handle` added takes the topic. */
  isHandled(topic: string): boolean {
    return this.#locals.collect(topic).length > 0;
  }

  /** Hands a message to its subscriptions and handlers, each once. */
  deliver(message: ReceivedMessage, delivery: Delivery | undefined): void {
    const found = this.#matching(message);
    // A copy, since a handler may subscribe and unsubscribe. Filters of one subscription may overlap: it gets one.
    const subscriptions =
      found.length === 1 ? [...found[0].subscriptions] : new Set(found.flatMap((route) => [...route.subscriptions]));
    for (const subscription of subscriptions) subscription.deliver(message, delivery);
    for (const handler of this.#locals.collect(message.topic)) callHandler(handler, message, delivery);
  }

  /** The routes of a message; those of the latest topic are kept, as the next message often has the same. */
  #matching({ topic, properties: { subscriptionIdentifiers = [] } }: ReceivedMessage): Route[] {
    if (topic !== this.#foundTopic) this.#found = this.#trie.collect(topic);
    this.#foundTopic = topic;
    const found = this.#found;
    if (found.length < 2) return found;
    const named = found.filter(({ identifier }) => subscriptionIdentifiers.includes(identifier));
    const isKnown = subscriptionIdentifiers.every((one) => named.some(({ identifier }) => identifier === one));
    return isKnown && named.length > 0 ? named : found;
  }
}
