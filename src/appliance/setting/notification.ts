/** The configuration keys of [notification]. */

import type { Section } from '../setting.ts'

export const notification = {
  text: 'Delivery of notifications to the targets of subscriptions.',
  rows: [
    {
      key: 'max_queued',
      type: 'integer',
      minimum: 1,
      maximum: 100_000,
      default: 1000,
      text: 'Notifications that wait for one target; the oldest is dropped, and counted, when there is one more.',
    },
    {
      key: 'max_in_flight',
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      default: 16,
      text: 'Notifications sent to one target that it has not answered yet.',
    },
    {
      key: 'timeout',
      type: 'duration',
      minimum: 100,
      maximum: 600_000,
      default: '10s',
      text: 'How long a target may take to answer a notification.',
    },
    {
      key: 'max_tries',
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: 5,
      text: 'Tries for one notification while its target can not be reached.',
    },
  ],
} as const satisfies Section
