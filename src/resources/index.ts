/** The list of resource types. A new type is one file and one line here. */

import { accessControlPolicy } from './access-control-policy.ts'
import { ae } from './ae.ts'
import { announcedVariants } from './announced.ts'
import { container } from './container.ts'
import { contentInstance } from './content-instance.ts'
import { cseBase } from './cse-base.ts'
import { flexContainerInstance, flexContainers } from './flex-container.ts'
import { group } from './group.ts'
import { mgmtObjs } from './mgmt-obj.ts'
import { node } from './node.ts'
import { notificationTargetPolicy } from './notification-target-policy.ts'
import { notificationTargetPolicyReference } from './notification-target-policy-reference.ts'
import { policyDeletionRules } from './policy-deletion-rules.ts'
import { pollingChannel } from './polling-channel.ts'
import { remoteCse } from './remote-cse.ts'
import { request } from './request.ts'
import type { ResourceType } from './resource-type.ts'
import { schedule } from './schedule.ts'
import { subscription } from './subscription.ts'
import { timeSeries } from './time-series.ts'
import { timeSeriesInstance } from './time-series-instance.ts'

const originals: readonly ResourceType[] = [
  accessControlPolicy,
  ae,
  container,
  contentInstance,
  cseBase,
  ...flexContainers,
  flexContainerInstance,
  group,
  ...mgmtObjs,
  node,
  notificationTargetPolicy,
  notificationTargetPolicyReference,
  policyDeletionRules,
  pollingChannel,
  remoteCse,
  request,
  schedule,
  subscription,
  timeSeries,
  timeSeriesInstance,
]

/** With the announced variant of each that has one. */
export const resourceTypes: readonly ResourceType[] = [...originals, ...announcedVariants(originals)]
