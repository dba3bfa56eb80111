/** The configuration keys of [notification]. */

import type { Section } from '../setting.ts'

export const notification = {
  text: 'Delivery of notifications to the targets of subscriptions.',
  rows: [
    {
      key: 'verification',
      type: 'string',
      choices: ['all', 'entities', 'none'],
      default: 'all',
      text: 'Which targets of a new subscription, other than its creator, have to confirm that they want its notifications: all, only AEs and CSEs (entities), or none.',
    },
    {
      key: 'max_queued',
      type: 'integer',
      minimum: 1,
      maximum: 100_000,
      default: 1000,
      text: 'Notifications of one subscription that wait for one target; the oldest of those that are not kept on the disk is dropped, and counted, when there is one more.',
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
      text: 'Tries for one notification that is not kept on the disk, while its target can not be reached.',
    },
    {
      key: 'max_kept_size',
      type: 'size',
      minimum: 65_536,
      maximum: 1_099_511_627_776,
      default: '64MiB',
      text: 'What is kept on the disk for targets that are away: notifications of subscriptions with pendingNotification, and everything for other CSEs. Beyond it the oldest of the same subscription and target is dropped, and counted.',
    },
    {
      key: 'max_kept_age',
      type: 'duration',
      minimum: 1000,
      maximum: 31_536_000_000,
      default: '30d',
      text: 'How long a notification is kept on the disk for a target that is away.',
    },
  ],
} as const satisfies Section
