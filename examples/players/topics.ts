/** The topics of the players, with what their messages look like. */
import { defineTopics } from '@dunlin/client/topics';
import { z } from 'zod';

export const COMMAND = 'makapix/player/{player}/command';
export const STATUS = 'makapix/player/{player}/status';
export const VIEW = 'makapix/player/{player}/view';
export const REQUEST = 'makapix/player/{player}/request/{id}';
const RESPONSE = 'makapix/player/{player}/response/{id}';

const command = z.object({
  command_id: z.string(),
  command: z.literal('show_artwork'),
  artwork_id: z.number().int().positive(),
});

const status = z.object({
  player_key: z.string(),
  status: z.enum(['online', 'offline']),
  /** The will and small firmware leave it out. */
  firmware_version: z.string().optional(),
});

export type Status = z.output<typeof status>;

/** An artwork was on the screen. `view_id` is the player's own and never used again: QoS 1 may bring the event twice. */
const view = z.object({
  view_id: z.string().min(1).max(128),
  artwork_id: z.number().int().positive(),
  viewed_at: z.iso.datetime(),
});
export type View = z.output<typeof view>;

const request = z.object({ request_type: z.literal('query_posts'), limit: z.number().int().min(1).max(100) });
const response = z.object({ success: z.literal(true), posts: z.array(z.number().int()) });

export const topics = defineTopics({
  [COMMAND]: command,
  [STATUS]: status,
  [VIEW]: view,
  [REQUEST]: { request, response, responseTopic: RESPONSE },
});
