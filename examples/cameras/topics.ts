/** The topics of the cameras, with what their messages look like. */
import { defineTopics } from '@dunlin/client/topics';
import { z } from 'zod';

/** The command to wake up, as the integration document has it. */
export const wakeUp = z.object({
  message_id: z.string().min(1),
  type: z.literal('WakeUP'),
  timestamp: z.number().int(),
  body: z.object({ deviceId: z.string().min(1) }),
});

export type WakeUp = z.output<typeof wakeUp>;

export const MESSAGE_TOPIC = 'device/things/{thing}/message';

export const topics = defineTopics({ [MESSAGE_TOPIC]: wakeUp });
