/** Who may do what to which resource: TS-0004 7.3.3.15, TS-0001 9.6.2, and what holds for resources that no policy protects. */

import { isWithin } from '../onem2m/ip-address.ts'
import { matchesWildcard } from '../onem2m/wildcard.ts'
import type { SetOfAccessControlRules } from '../resources/access-control-policy.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import { encodeAttributes } from '../resources/resource-type.ts'
import type { DistantPolicies } from './distant-policy.ts'
import type { RequestContext } from './handler.ts'
import type { Routes } from './route.ts'
import { isInWindow } from './schedule.ts'
import type { Tree } from './tree.ts'

/** What resources without accessControlPolicyIds allow to those who did not create them. */
export type Unprotected = 'creator' | 'read' | 'open'

interface AccessFacts {
  readonly tree: Tree
  readonly routes: Routes
  readonly distantPolicies: DistantPolicies
  readonly cseId: string
  readonly spId: string
  readonly unprotected: Unprotected
  /** Originators that may do everything when they come over loopback. */
  readonly administrators: readonly string[]
  now(): number
}

const readRights = AccessRight.RETRIEVE | AccessRight.DISCOVERY

const policyType = 1
/** Policies, and what is announced of them. */
const policyTypes: ReadonlySet<number> = new Set([policyType, 10_001])
const groupType = 9
const aeType = 2
const notificationTargetPolicyType = 26
const cseBaseType = 5
const remoteCseType = 16
const subscriptionType = 23

export class AccessControl {
  readonly #facts: AccessFacts
  readonly #administrators: ReadonlySet<string>

  constructor(facts: AccessFacts) {
    this.#facts = facts
    this.#administrators = new Set(facts.administrators)
  }

  /** The shortest form of an identifier: `//sp/cse/CAE01` and `/cse/CAE01` of this CSE are `CAE01`; S-types have no CSE part. */
  shortOriginator(originator: string): string {
    if (!originator.startsWith('/')) return originator
    const { cseId, spId } = this.#facts
    const rest = originator.startsWith(`${spId}/`) ? originator.slice(spId.length) : originator
    if (rest.startsWith(`${cseId}/`)) return rest.slice(cseId.length + 1)
    return rest.startsWith('/S') && rest.indexOf('/', 1) < 0 ? rest.slice(1) : rest
  }

  isAdministrator(originator: string, context: RequestContext): boolean {
    return (
      context.principal?.isAdministrator === true ||
      (context.source === 'internal' && originator === this.#facts.cseId) ||
      (context.source !== 'network' && this.#administrators.has(originator))
    )
  }

  /**
   * True when `originator` (in its shortest form) has the right on the resource; for a CREATE, `resource` is the parent.
   */
  allows(
    originator: string,
    right: number,
    resource: ResourceView,
    context: RequestContext,
    touched: Touched = {},
  ): boolean {
    if (this.isAdministrator(originator, context)) return true
    const governing = governingResource(resource)
    if (governing === undefined) return false
    const request = { originator, right, resource, context, ...touched }
    // What is announced here stays its CSE's, whatever policies it names or holds.
    if (governing.definition.isAnnounced === true && isOwner(originator, governing)) return true
    if (policyTypes.has(governing.definition.type))
      return this.#grants(governing.stored['selfPrivileges'] as SetOfAccessControlRules, request)
    // TS-0001 10.2.5.10: a polling channel is its AE's alone, whatever policies the AE has.
    if (resource.definition.isPrivate === true && !resource.definition.hasAccessControlPolicies)
      return isOwner(originator, resource)
    const policies = governing.stored['accessControlPolicyIds'] as readonly string[] | undefined
    // An AE may always see to its own registration; what lies below it is for its policies to say, as long as one of them is there.
    if (governing.definition.type === aeType && governing.resourceIdentifier === originator)
      if (right !== AccessRight.CREATE || policies?.some((each) => this.#policy(each, context) !== undefined) !== true)
        return true
    // So may a CSE.
    if (governing.definition.type === remoteCseType && governing.stored['cseId'] === originator) return true
    if (policies !== undefined && policies.length > 0) return this.#grantedBy(policies, request)
    return this.#allowsUnprotected(originator, right, governing, context, touched.childType)
  }

  /** True when one of these policies grants the right, whatever policies the resource itself has. */
  allowsByPolicies(
    originator: string,
    right: number,
    resource: ResourceView,
    policies: readonly string[],
    context: RequestContext,
  ): boolean {
    if (this.isAdministrator(originator, context)) return true
    return this.#grantedBy(policies, { originator, right, resource, context })
  }

  #grantedBy(policies: readonly string[], request: AccessRequest): boolean {
    return policies.some((identifier) =>
      this.#grants(this.#policy(identifier, request.context)?.stored['privileges'] as SetOfAccessControlRules, request),
    )
  }

  /**
   * Whether the originator may change which policies protect a resource: TS-0001 9.6.1.3.2, accessControlPolicyIDs. Where none of those that
   * it names is left, its owner may, who would otherwise be locked out for good.
   */
  allowsPolicyChange(originator: string, resource: ResourceView, context: RequestContext): boolean {
    if (this.isAdministrator(originator, context)) return true
    const named = (resource.stored['accessControlPolicyIds'] as readonly string[] | undefined) ?? []
    const policies = named.flatMap((identifier) => this.#policy(identifier, context) ?? [])
    if (policies.length === 0) return isOwner(originator, resource) || this.#facts.unprotected === 'open'
    const request = { originator, right: AccessRight.UPDATE, resource, context }
    return policies.some(({ stored }) => this.#grants(stored['selfPrivileges'] as SetOfAccessControlRules, request))
  }

  /** Resolves when all is known of these policies, or of those that govern a resource; undefined when it is already. */
  unread(policies: readonly string[] | ResourceView): Promise<unknown> | undefined {
    if (!('definition' in policies)) return this.#facts.distantPolicies.reading(policies)
    const named = governingResource(policies)?.stored['accessControlPolicyIds'] as readonly string[] | undefined
    return named === undefined ? undefined : this.#facts.distantPolicies.reading(named)
  }

  #policy(identifier: string, { source }: RequestContext): Pick<ResourceView, 'stored'> | undefined {
    const local = this.#facts.tree.localPart(identifier)
    if (local === undefined) {
      const stored = this.#facts.distantPolicies.of(identifier, source === 'internal')
      return stored === undefined ? undefined : { stored }
    }
    const resource = this.#facts.tree.resolve(local, 0)?.resource
    return resource?.definition.type === policyType ? resource : undefined
  }

  /** True for what a registered CSE brings: the connection names it, or its account or certificate does. */
  #isVouchedFor(originator: string, { broughtBy, principal }: RequestContext): boolean {
    return broughtBy !== undefined || (principal !== undefined && this.#facts.routes.isRegistered(originator))
  }

  #allowsUnprotected(
    originator: string,
    right: number,
    resource: ResourceView,
    context: RequestContext,
    childType?: number,
  ): boolean {
    const custodian = resource.stored['custodian']
    if (typeof custodian === 'string') {
      if (this.shortOriginator(custodian) === originator) return true
    } else if (isOwner(originator, resource)) return true
    if (resource.definition.type === cseBaseType && this.#allowsRegistree(originator, right, context, childType))
      return true
    if (this.#facts.unprotected === 'creator') return false
    // A CSE is registered because somebody wanted its applications to use this one.
    if (context.source === 'network' && !this.#isVouchedFor(originator, context)) return false
    if (resource.definition.isPrivate === true) return false
    if (this.#facts.unprotected === 'open' || (right & ~readRights) === 0) return true
    // Being told is another way to read.
    return right === AccessRight.CREATE && childType === subscriptionType
  }

  /** What being registered brings at the CSEBase: an AE or CSE sees what it is registered at, and an AE may keep policies there. */
  #allowsRegistree(originator: string, right: number, context: RequestContext, childType?: number): boolean {
    if (!isAuthenticated(context) && context.broughtBy === undefined) return false
    const isAe = this.#facts.tree.get(originator)?.definition.type === aeType
    if (right === AccessRight.RETRIEVE) return isAe || this.#facts.routes.isRegistered(originator)
    // Policies for what an AE hands to others lie beside it, and govern nothing but themselves until they are linked; those for its
    // notification targets lie nowhere else.
    return (
      isAe && right === AccessRight.CREATE && (childType === policyType || childType === notificationTargetPolicyType)
    )
  }

  #grants(privileges: SetOfAccessControlRules | undefined, request: AccessRequest): boolean {
    for (const rule of privileges?.accessControlRules ?? []) {
      if ((rule.accessControlOperations & request.right) !== request.right) continue
      if (rule.accessControlAuthenticationFlag === true && !isAuthenticated(request.context)) continue
      if (!rule.accessControlOriginators.some((pattern) => this.#isOriginator(pattern, request.originator))) continue
      if (
        rule.accessControlContexts !== undefined &&
        !rule.accessControlContexts.some((context) => this.#isContext(context, request))
      )
        continue
      if (
        rule.accessControlObjectDetails !== undefined &&
        !rule.accessControlObjectDetails.some((detail) => isDetail(detail, request))
      )
        continue
      if (rule.accessControlAttributes !== undefined && !coversAll(rule.accessControlAttributes, request)) continue
      return true
    }
    return false
  }

  #isOriginator(pattern: string, originator: string): boolean {
    if (pattern === 'all' || pattern === '*') return true
    const short = this.shortOriginator(pattern)
    if (short === originator) return true
    if (short.includes('*')) return matchesWildcard(short, originator)
    const local = this.#facts.tree.localPart(pattern)
    const resource = local === undefined ? undefined : this.#facts.tree.resolve(local, 0)?.resource
    if (resource?.definition.type !== groupType) return false
    const members = (resource.stored['memberIds'] as readonly string[] | undefined) ?? []
    return members.some((member) => this.#entity(member) === originator)
  }

  /** The AE-ID or CSE-ID that a group member names, be it by identifier or by address. */
  #entity(member: string): string {
    const local = this.#facts.tree.localPart(member)
    const resource = local === undefined ? undefined : this.#facts.tree.resolve(local, 0)?.resource
    return resource?.resourceIdentifier ?? this.shortOriginator(member)
  }

  #isContext(context: AccessContext, { context: { remoteAddress } }: AccessRequest): boolean {
    // Where a requester is, only it could say, and that is no proof.
    if (context.accessControlLocationRegion !== undefined) return false
    const windows = context.accessControlWindow
    if (windows !== undefined && !windows.some((window) => isInWindow(window, this.#facts.now()))) return false
    const addresses = context.accessControlIpAddresses
    if (addresses === undefined) return true
    const own = remoteAddress?.replace(/^::ffff:/, '') ?? ''
    return [...(addresses.ipv4Addresses ?? []), ...(addresses.ipv6Addresses ?? [])].some((each) => isWithin(each, own))
  }
}

/** What of a resource a request touches, for the rules that tell. */
export interface Touched {
  /** The type of the resource that a CREATE makes. */
  readonly childType?: number | undefined
  /** Short names of the attributes that are given or asked for; undefined for the whole resource. */
  readonly attributes?: readonly string[] | undefined
}

interface AccessRequest extends Touched {
  readonly originator: string
  readonly right: number
  readonly resource: ResourceView
  readonly context: RequestContext
}

type Rule = NonNullable<SetOfAccessControlRules['accessControlRules']>[number]
type AccessContext = NonNullable<Rule['accessControlContexts']>[number]
type ObjectDetails = NonNullable<Rule['accessControlObjectDetails']>[number]

/** The resource whose policies decide: types without accessControlPolicyIds inherit their parent's, TS-0001 9.6.1.3.2. */
function governingResource(resource: ResourceView): ResourceView | undefined {
  let at: ResourceView | undefined = resource
  while (at !== undefined && !at.definition.hasAccessControlPolicies && !policyTypes.has(at.definition.type))
    at = at.parent
  return at
}

function isOwner(originator: string, resource: ResourceView): boolean {
  return resource.originator === originator
}

/** accessControlObjectDetails: for a CREATE, the child's type; for the rest, the type of the resource itself. */
function isDetail(detail: ObjectDetails, { resource, right, childType }: AccessRequest): boolean {
  if (detail.resourceType !== undefined && detail.resourceType !== resource.definition.type) return false
  return (
    right !== AccessRight.CREATE || (childType !== undefined && detail.childResourceType?.includes(childType) === true)
  )
}

/** accessControlAttributes: a rule for some attributes says nothing of requests that touch others. */
function coversAll(granted: readonly string[], { attributes, right, resource }: AccessRequest): boolean {
  const isWhole = right === AccessRight.RETRIEVE || right === AccessRight.DELETE
  const touched = attributes ?? (isWhole ? shownAttributes(resource) : undefined)
  return touched?.every((name) => granted.includes(name)) ?? false
}

/** Short names of the attributes that a resource shows. */
function shownAttributes({ definition, attributes }: ResourceView): readonly string[] {
  return Object.keys(encodeAttributes(definition, attributes))
}

/** Loopback is trusted, as far as the one who speaks there has not been taken by somebody with credentials. */
function isAuthenticated({ source, principal }: RequestContext): boolean {
  return source !== 'network' || principal !== undefined
}
