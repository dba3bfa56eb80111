/** What the parts of the CSE are called and set to: what every operation is given, in types alone. */

import type { Clock } from '../onem2m/clock.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import type { Store } from '../store/store.ts'
import type { AccessControl, Unprotected } from './access-control.ts'
import type { Announcer } from './announcer.ts'
import type { Execution } from './execution.ts'
import type { Expiration } from './expiration.ts'
import type { FanOutGuard } from './fan-out.ts'
import type { Forwarding } from './forwarding.ts'
import type { GroupNotifications } from './group-notification.ts'
import type { RequestHandler } from './handler.ts'
import type { Verification } from './inquiry.ts'
import type { MissingData } from './missing-data.ts'
import type { Notifier } from './notifier.ts'
import type { Outbox, OutboxLimits } from './outbox.ts'
import type { PollingChannels } from './polling.ts'
import type { Postponement } from './postponement.ts'
import type { Registrants } from './registrant.ts'
import type { Routes } from './route.ts'
import type { Tree } from './tree.ts'

export interface CseSettings {
  /** SP-relative: `/mn-cse-1`. */
  readonly cseId: string
  readonly cseBaseName: string
  /** `//openmtc.org`. */
  readonly spId: string
  /** 1 IN-CSE, 2 MN-CSE, 3 ASN-CSE. */
  readonly cseType: number
  readonly pointOfAccess: readonly string[]
  /** The CSE that this one registers with; undefined at the top of the tree. */
  readonly registrarCseId?: string
  /** How long another CSE may take to answer what is passed on to it. */
  readonly forwardTimeoutMs: number
  readonly defaultLifetimeSeconds: number
  readonly maxLifetimeSeconds: number
  /** Resources besides instances: they live in memory. */
  readonly maxResources: number
  /** Resources that one discovery or one nested retrieve returns at most. */
  readonly maxResults: number
  readonly unprotected: Unprotected
  readonly administrators: readonly string[]
  /** AE-IDs of parts of this gateway, which nobody else may use. */
  readonly reservedOriginators: readonly string[]
  readonly notification: OutboxLimits & { readonly verification: Verification }
}

/** What the operations work with. */
export interface CseParts {
  readonly settings: CseSettings
  /** By number; one of them stands for all specializations of its number. */
  readonly resourceTypes: ReadonlyMap<number, ResourceType>
  /** Specializations, by the member name of their content. */
  readonly typesByMemberName: ReadonlyMap<string, ResourceType>
  readonly tree: Tree
  readonly access: AccessControl
  readonly store: Store
  readonly clock: Clock
  readonly notifier: Notifier
  readonly groupNotifications: GroupNotifications
  readonly announcer: Announcer
  readonly outbox: Outbox
  readonly expiration: Expiration
  readonly missingData: MissingData
  readonly polling: PollingChannels
  readonly postponement: Postponement
  readonly routes: Routes
  readonly registrants: Registrants
  readonly forwarding: Forwarding
  readonly fanOutGuard: FanOutGuard
  readonly randomId: () => string
  readonly timestampOf: (ms: number) => string
  /** Executes a request of somebody else's request: a member's share of a fan-out. */
  readonly handle: RequestHandler['handle']
  /** A remoteCSE came, went or changed. */
  readonly remoteCsesChanged: () => void
  /** Makes a change that nobody requested. */
  readonly internally: (change: (execution: Execution) => void, settled?: (isStored: boolean) => void) => void
}
