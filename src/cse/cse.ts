/** The CSE: puts its parts together, loads the tree, and takes every request from its check to its response. */

import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { parseMoment } from '../onem2m/timestamp.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import type { Store } from '../store/store.ts'
import { AccessControl } from './access-control.ts'
import { Announcer } from './announcer.ts'
import { checkRequest } from './check.ts'
import { Courier } from './courier.ts'
import { isNonBlocking, resume } from './deferred.ts'
import { remove } from './deletion.ts'
import { dispatch } from './dispatch.ts'
import { DistantPolicies } from './distant-policy.ts'
import { DuplicateCache } from './duplicate.ts'
import { Execution, timestampCache } from './execution.ts'
import { Expiration } from './expiration.ts'
import { FanOutGuard } from './fan-out.ts'
import { Forwarding } from './forwarding.ts'
import { GroupNotifications } from './group-notification.ts'
import type { RequestContext, Requester, RequestHandler } from './handler.ts'
import { MissingData } from './missing-data.ts'
import { tellWatchers } from './monitor.ts'
import { Notifier } from './notifier.ts'
import { Outbox } from './outbox.ts'
import type { Eventually, Outcome } from './outcome.ts'
import type { CseParts, CseSettings } from './parts.ts'
import { PollingChannels } from './polling.ts'
import { Postponement } from './postponement.ts'
import { Registrants } from './registrant.ts'
import { discardInTurns, unfinishedRemovals } from './removal.ts'
import { Resource, type StoredInstance } from './resource.ts'
import { errorResponse, notStored, responseTo } from './response.ts'
import { createRoot } from './root.ts'
import { Routes } from './route.ts'
import { Tree } from './tree.ts'
import { isOverLimit, trimInTurns } from './trimming.ts'

export interface CseDependencies {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** At least 8 characters out of letters and digits, never the same twice. */
  readonly randomId: () => string
  readonly resourceTypes: readonly ResourceType[]
  readonly settings: CseSettings
}

/**
 * Whose requests are never taken for resends: AEs that ask for an identifier all do it with the same words, and two devices of one make must
 * not become one AE.
 */
const nameless: ReadonlySet<string> = new Set(['', 'C', 'S'])

export class Cse implements RequestHandler {
  readonly #log: Log
  readonly #parts: CseParts
  readonly #duplicates: DuplicateCache
  readonly #courier: Courier
  readonly statistics = { requests: 0, refused: 0, failed: 0, impostors: 0 }
  #onRemoteCses: (() => void) | undefined
  #onRegistrants: (() => void) | undefined

  constructor({ store, clock, log, randomId, resourceTypes, settings }: CseDependencies) {
    this.#log = log
    this.#duplicates = new DuplicateCache(clock)
    const types = new Map(resourceTypes.map((type) => [type.type, type]))
    const { cseId, spId, cseBaseName } = settings
    const specializations = resourceTypes.filter(({ isSpecialized }) => isSpecialized === true)
    const typesByMemberName = new Map(specializations.map((type) => [type.memberName, type]))
    const tree = new Tree({ store, clock, resourceTypes: types, typesByMemberName, cseId, spId, cseBaseName })
    const internally: CseParts['internally'] = (change, settled) => this.#internally(change, settled)
    const routes = new Routes({ tree, cseId, spId, registrarCseId: settings.registrarCseId })
    const forwarding = new Forwarding({ routes, cseId, timeoutMs: settings.forwardTimeoutMs })
    const polling = new PollingChannels({ tree, clock })
    const { notification: limits } = settings
    this.#courier = new Courier({ tree })
    this.#courier.use(polling)
    this.#courier.use(forwarding)
    forwarding.use(polling)
    const courier = this.#courier
    const outbox = new Outbox({ store, clock, log, courier, randomId, limits })
    const groupNotifications = new GroupNotifications({ tree, clock, courier, outbox, settings })
    this.#courier.use(groupNotifications)
    const notifier = new Notifier({ tree, clock, courier, outbox, settings, randomId, internally })
    const carry = (target: string, request: RequestPrimitive) =>
      courier.carry(target, request, { timeoutMs: settings.forwardTimeoutMs })
    const distantPolicies = new DistantPolicies({ clock, cseId, randomId, carry })
    const announcer = new Announcer({
      tree,
      store,
      clock,
      log,
      cseId,
      randomId,
      // A resource may be announced at its own CSE as well.
      carry: (target, request) =>
        target === cseId || target.startsWith(`${cseId}/`) ? this.#perform(request) : carry(target, request),
      registrarCseId: settings.registrarCseId,
      baseOf: (target) => routes.baseOf(target),
      internally,
    })
    this.#parts = {
      settings,
      resourceTypes: types,
      typesByMemberName,
      tree,
      store,
      clock,
      randomId,
      access: new AccessControl({ ...settings, tree, routes, distantPolicies, now: () => clock.wallMs() }),
      notifier,
      groupNotifications,
      announcer,
      outbox,
      missingData: new MissingData({ tree, clock, internally }),
      expiration: new Expiration({ clock, remove: (expired) => this.#expire(expired) }),
      polling,
      postponement: new Postponement(clock),
      routes,
      registrants: new Registrants({
        store,
        own: settings,
        isRegistered: (identifier) => tree.get(identifier) !== undefined,
        changed: () => this.#onRegistrants?.(),
      }),
      forwarding,
      remoteCsesChanged: () => this.#onRemoteCses?.(),
      fanOutGuard: new FanOutGuard(),
      timestampOf: timestampCache(),
      handle: (request, context, respond) => this.#execute(request, context, respond),
      internally,
    }
  }

  get isCongested(): boolean {
    return this.#parts.store.isCongested
  }

  get resourceCount(): number {
    return this.#parts.tree.size
  }

  /** Notifications and other requests of this CSE: how many were answered, refused, given up, and what waits on the disk for a target. */
  get notifications(): Outbox['statistics'] & { readonly keptBytes: number } {
    const { statistics, keptBytes } = this.#parts.outbox
    return { ...statistics, keptBytes }
  }

  /** Loads the tree from the store. */
  async start(): Promise<void> {
    const { tree, expiration, store, clock, timestampOf } = this.#parts
    const firstStart = store.getText('m/first-start') ?? timestampOf(clock.wallMs())
    store.write([{ key: 'm/first-start', value: firstStart }])
    await this.#parts.registrants.load()
    const unfinished = await unfinishedRemovals(this.#parts)
    const gone = new Set(unfinished.flatMap(({ identifiers }) => identifiers))
    const overLimit: Resource[] = []
    const { resources, orphans } = await tree.load(createRoot(this.#parts, firstStart), gone, (resource) => {
      expiration.watch(resource)
      if (isOverLimit(resource)) overLimit.push(resource)
    })
    expiration.start()
    for (const container of overLimit) void trimInTurns(this.#parts, container)
    if (orphans > 0)
      this.#log.warn('resources without their parent were left out: the store was damaged', { count: orphans })
    for (const { key, identifiers } of unfinished) void discardInTurns(this.#parts, key, identifiers)
    const { outbox, notifier, groupNotifications } = this.#parts
    await outbox.start((ends) => groupNotifications.senderOf(ends) ?? notifier.senderOf(ends))
    await this.#parts.announcer.start()
    resume(this.#parts)
    this.#log.debug('resource tree loaded', { resources })
  }

  /** Sends the notifications that are still collected, and waits for their delivery, at most this long. */
  flushNotifications(timeoutMs: number): Promise<void> {
    return this.#parts.outbox.flush(timeoutMs)
  }

  stop(): void {
    this.#parts.postponement.stop()
    this.#parts.missingData.stop()
    this.#parts.polling.stop()
    this.#parts.expiration.stop()
    this.#parts.announcer.stop()
    this.#parts.outbox.stop()
  }

  /** Has notifications, other requests of this CSE and those that it passes on carried by this requester. */
  use(requester: Requester): void {
    this.#courier.use(requester)
    this.#parts.forwarding.use(requester)
    this.#parts.outbox.wake(() => true)
  }

  /** Sends a request of this CSE itself, once. Rejects with TARGET_NOT_REACHABLE, or REQUEST_TIMEOUT. */
  carry(target: string, request: RequestPrimitive, timeoutMs: number): Promise<ResponsePrimitive> {
    return this.#courier.carry(target, request, { timeoutMs })
  }

  /** The way to a target may be open again: what waits for it is tried. */
  wake(): void {
    this.#parts.outbox.wake(() => true)
    this.#parts.announcer.wake()
  }

  /** CSE-IDs of those that are reached through this CSE; `changed` is called when they, or the ways to them, are others. */
  descendants(): readonly string[] {
    return this.#parts.routes.descendants()
  }

  onRemoteCses(changed: () => void): void {
    this.#onRemoteCses = changed
  }

  /** Shows something of this CSE on its CSEBase: the labels that begin with `prefix` become these. */
  label(prefix: string, labels: readonly string[]): void {
    this.#internally((execution) => {
      const { root } = this.#parts.tree
      const others = ((root.stored['labels'] as readonly string[] | undefined) ?? []).filter(
        (label) => !label.startsWith(prefix),
      )
      execution.replaceAttributes(root, {
        ...root.stored,
        labels: [...others, ...labels],
        lastModifiedTime: execution.now,
      })
    })
  }

  /** Calls when an entity has become a principal's: rights on its topics are others from then on. */
  onRegistrants(call: () => void): void {
    this.#onRegistrants = call
  }

  /** Whether whoever this context is of may register as an entity. */
  mayRegister(entity: string, { principal }: RequestContext): boolean {
    return this.#parts.registrants.mayRegister(principal, entity)
  }

  mayUse(entity: string, { principal }: RequestContext): boolean {
    return this.#parts.registrants.mayUse(principal, entity)
  }

  speaksFor(cseId: string, originator: string): boolean {
    return this.#parts.routes.speaksFor(cseId, originator)
  }

  handle(request: RequestPrimitive, context: RequestContext, respond: (response: ResponsePrimitive) => void): void {
    try {
      // Before anything is told of what a request of this identifier came to.
      this.#parts.registrants.check(request, context)
    } catch (error) {
      const { status, message } = error as OneM2MError
      this.statistics.refused++
      this.reportImpostor(request.originator, context)
      respond(errorResponse(request, status, message))
      return
    }
    if (request.operation === Operation.RETRIEVE) {
      this.#execute(request, context, respond)
      return
    }
    const originator = this.#parts.access.shortOriginator(request.originator ?? '')
    if (nameless.has(originator)) {
      this.#execute(request, context, respond)
      return
    }
    const respondOnce = this.#duplicates.enter(originator, request, respond)
    if (respondOnce !== undefined) this.#execute(request, context, respondOnce)
  }

  reportImpostor(claimed: string | undefined, { principal, remoteAddress }: RequestContext): void {
    this.statistics.impostors++
    this.#log.warn('somebody was refused who spoke in the name of somebody else', {
      claimed,
      principal: principal?.name,
      remoteAddress,
    })
  }

  #execute(request: RequestPrimitive, context: RequestContext, respond: (response: ResponsePrimitive) => void): void {
    this.statistics.requests++
    const execution = new Execution(this.#parts, request, context)
    try {
      checkRequest(request, context, this.#parts.settings, execution.nowMs)
      if (request.operationExecutionTime !== undefined && this.#postpone(execution, respond)) return
    } catch (error) {
      respond(this.#refuse(execution, error))
      return
    }
    this.#run(execution, dispatch, respond)
  }

  /** A request of this CSE to itself. */
  #perform(request: RequestPrimitive): Promise<ResponsePrimitive> {
    return new Promise((resolve) => this.#execute(request, { source: 'internal' }, resolve))
  }

  /** Executes an operation, or what is left of one that had to wait. */
  #run(
    execution: Execution,
    operation: (execution: Execution) => Eventually,
    respond: (response: ResponsePrimitive) => void,
  ): void {
    let outcome: Eventually
    try {
      outcome = operation(execution)
    } catch (error) {
      const { unread } = execution
      if (unread === undefined || execution.hasWaited || execution.transaction.changes.length > 0) {
        this.#answer(execution, this.#refuse(execution, error), respond)
        return
      }
      // It was denied before all was known.
      execution.hasWaited = true
      outcome = unread.then(() => () => operation(execution))
    }
    if (outcome instanceof Promise)
      outcome.then(
        (settled) =>
          typeof settled === 'function'
            ? this.#run(execution, settled, respond)
            : this.#finish(execution, settled, respond),
        (error: unknown) => this.#answer(execution, this.#refuse(execution, error), respond),
      )
    else this.#finish(execution, outcome, respond)
  }

  /** Responds, then tells those who watch what is attempted. */
  #answer(execution: Execution, response: ResponsePrimitive, respond: (response: ResponsePrimitive) => void): void {
    respond(response)
    if (execution.watchers !== undefined && execution.watchers.length > 0) tellWatchers(execution)
  }

  /** operationExecutionTime: the request is executed then, and answered then unless it is non-blocking. False when it is time already. */
  #postpone({ request, context, nowMs, parts }: Execution, respond: (response: ResponsePrimitive) => void): boolean {
    // What was in time when it came stays so: times from receipt must not count from its execution.
    const { operationExecutionTime, requestExpirationTimestamp, ...rest } = request
    const atMs = parseMoment(operationExecutionTime ?? '', nowMs) ?? nowMs
    if (atMs <= nowMs || isNonBlocking(request)) return false
    parts.postponement.requireRoom()
    parts.postponement.until(atMs, () => this.#execute(rest, context, respond))
    return true
  }

  /** Answers at once what changed nothing, and the rest when it is on the disk. */
  #finish(execution: Execution, outcome: Outcome, respond: (response: ResponsePrimitive) => void): void {
    const { transaction, context } = execution
    const response = responseTo(execution, outcome)
    if (transaction.changes.length === 0) {
      this.#answer(execution, response, respond)
      return
    }
    transaction.commit(this.#parts.store, context.patienceMs, (error) => {
      if (error !== undefined) this.statistics.failed++
      const failure =
        error === undefined
          ? undefined
          : errorResponse(execution.request, Status.INTERNAL_SERVER_ERROR, notStored(error))
      const aftermath = failure === undefined ? this.#aftermath(execution, outcome) : undefined
      if (aftermath === undefined) this.#answer(execution, failure ?? response, respond)
      else void aftermath.then(() => this.#answer(execution, responseTo(execution, outcome), respond))
    })
  }

  /** What the response waits for once the change is stored. */
  #aftermath({ announcements }: Execution, { completion }: Outcome): Promise<unknown> | undefined {
    if (completion === undefined && announcements === undefined) return undefined
    return Promise.all([completion?.(), this.#parts.announcer.attempt(announcements ?? [])])
  }

  #refuse({ transaction, request }: Execution, error: unknown): ResponsePrimitive {
    transaction.undo()
    if (error instanceof OneM2MError) {
      this.statistics.refused++
      return errorResponse(request, error.status, error.message)
    }
    this.statistics.failed++
    this.#log.error('request failed: a fault in this program', {
      operation: request.operation,
      to: request.to,
      error: error instanceof Error ? error.stack : String(error),
    })
    return errorResponse(
      request,
      Status.INTERNAL_SERVER_ERROR,
      'the CSE failed to execute this request; its log says why',
    )
  }

  #expire(expired: readonly (Resource | StoredInstance)[]): void {
    this.#internally(
      (execution) => {
        // Parents first: what goes with its parent is not removed, and told of, a second time.
        for (const resource of expired.toSorted((left, right) => depthOf(left) - depthOf(right)))
          if (this.#isInTree(resource)) remove(execution, resource)
      },
      (isStored) => {
        if (!isStored) this.#parts.expiration.retry(expired)
      },
    )
  }

  #isInTree(resource: Resource | StoredInstance): boolean {
    const structure = resource instanceof Resource ? resource : resource.parent
    return this.#parts.tree.get(structure.resourceIdentifier) === structure
  }

  /** A change that nobody requested. When it can't be stored it is undone. */
  #internally(change: (execution: Execution) => void, settled?: (isStored: boolean) => void): void {
    const { cseId } = this.#parts.settings
    const request: RequestPrimitive = { operation: Operation.DELETE, to: '', originator: cseId, requestIdentifier: '' }
    const execution = new Execution(this.#parts, request, { source: 'internal' })
    change(execution)
    execution.transaction.commit(this.#parts.store, undefined, (error) => {
      if (error !== undefined) this.#log.warn('a change of the CSE itself was not stored', { reason: error.message })
      settled?.(error === undefined)
    })
  }
}

function depthOf(resource: Resource | StoredInstance): number {
  return resource instanceof Resource ? resource.depth : resource.parent.depth + 1
}
