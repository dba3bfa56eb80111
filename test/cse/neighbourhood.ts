/** Several CSEs in one process that reach one another by their points of access, over links that can be cut. */

import type { Delivery } from '../../src/cse/handler.ts'
import type { CseSettings } from '../../src/cse/parts.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../../src/onem2m/primitive.ts'
import { OneM2MError, Status } from '../../src/onem2m/status.ts'
import { ManualClock } from '../bindings/fixture.ts'
import { Kit } from './kit.ts'

export class Neighbourhood {
  readonly clock = new ManualClock()
  /** By point of access. */
  readonly #kits = new Map<string, Kit>()
  readonly #cut = new Set<string>()
  /** What went over the links, in order. */
  readonly passed: { readonly pointOfAccess: string; readonly request: RequestPrimitive }[] = []

  /** A CSE named `/<name>` that is reached at `mqtt://<name>`. */
  async start(name: string, settings: Partial<CseSettings> = {}): Promise<Kit> {
    const kit = await Kit.start({
      clock: this.clock,
      // Other CSEs are where `add` says; who is reached over HTTP is there.
      answerDelivery: ({ pointOfAccess }) => {
        if (pointOfAccess.startsWith('http')) return 2000
        throw new OneM2MError(Status.TARGET_NOT_REACHABLE, `${pointOfAccess} is away`)
      },
      settings: { cseId: `/${name}`, pointOfAccess: [`mqtt://${name}`], administrators: [], ...settings },
    })
    this.add(`mqtt://${name}`, kit)
    return kit
  }

  /** Has a CSE, which may have been restarted, reached there. */
  add(pointOfAccess: string, kit: Kit): void {
    this.#kits.set(pointOfAccess, kit)
    kit.cse.use({ schemes: ['mqtt'], send: (delivery) => this.#carry(delivery, pointOfAccess) })
  }

  cut(pointOfAccess: string): void {
    this.#cut.add(pointOfAccess)
  }

  mend(pointOfAccess: string): void {
    this.#cut.delete(pointOfAccess)
  }

  /** Lets `child` be registered at `parent`, and know it: what registration does, by hand. */
  async register(child: Kit, parent: Kit, childName: string, parentName: string): Promise<void> {
    const describe = (name: string, cseType: number) => ({
      'm2m:csr': {
        rn: name,
        csi: `/${name}`,
        cb: `/${name}/onem2m`,
        cst: cseType,
        rr: true,
        poa: [`mqtt://${name}`],
        srv: ['3'],
      },
    })
    const remote = { originator: `/${childName}` }
    const there = await parent.ask({
      operation: 1,
      to: 'onem2m',
      resourceType: 16,
      content: describe(childName, 2),
      ...remote,
    })
    if (there.status !== 2001) throw new Error(`not registered: ${there.status} ${there.reason}`)
    const here = await child.ask(
      {
        operation: Operation.CREATE,
        to: 'onem2m',
        resourceType: 16,
        content: describe(parentName, 1),
        originator: `/${childName}`,
      },
      { source: 'internal' },
    )
    if (here.status !== 2001) throw new Error(`not known: ${here.status} ${here.reason}`)
  }

  #carry({ pointOfAccess, request }: Delivery, from: string): Promise<ResponsePrimitive> {
    const kit = this.#kits.get(pointOfAccess)
    if (kit === undefined || this.#cut.has(pointOfAccess))
      return Promise.reject(new OneM2MError(Status.TARGET_NOT_REACHABLE, `${pointOfAccess} is away`))
    this.passed.push({ pointOfAccess, request })
    return new Promise((resolve) =>
      kit.cse.handle(request, { source: 'network', broughtBy: from.replace('mqtt:/', '') }, resolve),
    )
  }
}
