/** The node and its mgmtObjs in wire form (TS-0001 9.6.18 and annex D): what is written when they are made, and when they change. */

import type { JsonObject } from '../../onem2m/content.ts'
import type { Body } from '../content.ts'
import type { Inventory } from './inventory.ts'

/** One mgmtObj as it should be now. */
export interface ManagementObject {
  /** Its name below the node. */
  readonly name: string
  readonly memberName: string
  readonly definition: number
  /** What does not change while it is there. */
  readonly fixed?: JsonObject
  readonly attributes: JsonObject
}

/** An address where there is nothing: the attribute is mandatory. */
const nowhere = 'urn:fieldgate:none'

export function nodeBody(name: string, identifier: string, cseId: string): Body {
  const variable = { ni: identifier, hcl: cseId, lbl: ['gateway'] }
  return {
    resourceType: 14,
    create: { 'm2m:nod': { rn: name, ...variable } },
    update: { 'm2m:nod': variable },
    renewal: { 'm2m:nod': { ...variable, et: null } },
  }
}

export function bodyOf({ name, memberName, definition, fixed, attributes }: ManagementObject): Body {
  return {
    resourceType: 13,
    create: { [memberName]: { rn: name, mgd: definition, ...fixed, ...attributes } },
    update: { [memberName]: attributes },
    renewal: { [memberName]: { ...attributes, et: null } },
  }
}

export function deviceInfo(inventory: Inventory, softwareVersion: string): ManagementObject {
  const { serial, manufacturer, model, hostName, firmwareVersion, hardwareVersion, osName, osVersion } = inventory
  return {
    name: 'deviceInfo',
    memberName: 'm2m:dvi',
    definition: 1007,
    fixed: { hwv: hardwareVersion },
    attributes: {
      dlb: serial === 'unknown' ? hostName : serial,
      man: manufacturer,
      mod: model,
      dty: 'gateway',
      dvnm: hostName,
      fwv: firmwareVersion,
      swv: softwareVersion,
      osv: `${osName} ${osVersion}`,
      ptl: ['MQTT', 'HTTP'],
    },
  }
}

/** The operating system, by its kernel. `ud` and `url` belong to those who want an update. */
export function firmware({ osName, osVersion, kernelVersion }: Inventory): ManagementObject {
  return {
    name: 'firmware',
    memberName: 'm2m:fwr',
    definition: 1001,
    fixed: { url: nowhere, ud: false },
    attributes: { fwn: osName, vr: `${osVersion}, Linux ${kernelVersion}` },
  }
}

export function software(version: string): ManagementObject {
  return {
    name: 'software',
    memberName: 'm2m:swr',
    definition: 1002,
    fixed: { url: nowhere },
    attributes: { swn: 'fieldgate', vr: version },
  }
}

export function memory(availableBytes: number, totalBytes: number): ManagementObject {
  return {
    name: 'memory',
    memberName: 'm2m:mem',
    definition: 1003,
    attributes: { mma: availableBytes, mmt: totalBytes },
  }
}

/** batteryStatus, TS-0004 6.3.4.2.11: 1 normal, 2 charging, 3 charging complete, 4 damaged, 5 low, 6 not installed, 7 unknown. */
export function battery(name: string, level: number, status: string): ManagementObject {
  const states: Readonly<Record<string, number>> = {
    Charging: 2,
    Full: 3,
    Discharging: level < 20 ? 5 : 1,
    'Not charging': 1,
  }
  return {
    name: `battery-${name}`,
    memberName: 'm2m:bat',
    definition: 1006,
    attributes: { btl: level, bts: states[status] ?? 7 },
  }
}

export function deviceCapability(name: string): ManagementObject {
  return {
    name: `capability-${name}`,
    memberName: 'm2m:dvc',
    definition: 1008,
    attributes: { can: name, att: true, cas: { acn: 'enable', sus: 0 }, cus: true },
  }
}

export function reboot(): ManagementObject {
  return { name: 'reboot', memberName: 'm2m:rbo', definition: 1009, fixed: { rbo: false, far: false }, attributes: {} }
}

/** logTypeId 1: system; logStatus 1: started. */
export function eventLog(lines: readonly string[]): ManagementObject {
  return {
    name: 'eventLog',
    memberName: 'm2m:evl',
    definition: 1010,
    fixed: { lgt: 1, lgst: 1 },
    attributes: { lgd: lines.length === 0 ? 'nothing to report' : lines.join('\n') },
  }
}

export function areaNetwork(network: string, devices: readonly string[]): ManagementObject {
  return {
    name: `network-${network}`,
    memberName: 'm2m:ani',
    definition: 1004,
    attributes: { ant: network, ldv: devices.length === 0 ? null : devices },
  }
}

export function areaNetworkDevice(
  network: string,
  device: string,
  status: string,
  networkAddress: string,
): ManagementObject {
  return {
    name: `device-${network}-${resourceName(device)}`,
    memberName: 'm2m:andi',
    definition: 1005,
    fixed: { dvd: device, dvt: network, awi: networkAddress },
    attributes: { ss: status },
  }
}

/** How an action goes (TS-0004 6.3.5.14: 1 successful, 2 failure, 3 in process): in words, and where there is a status, there. */
export function actionOutcome(memberName: string, action: string, status: 1 | 2 | 3): JsonObject {
  const words = { 1: 'successful', 2: 'failed', 3: 'in process' }
  const isFirmware = memberName === 'm2m:fwr'
  // The other triggers read as before as soon as they are pulled.
  const own = isFirmware ? { ud: false, uds: { acn: action, sus: status } } : {}
  return { [memberName]: { dc: `${action}: ${words[status]}`, ...own } }
}

export function resourceName(text: string): string {
  return text.replaceAll(/[^\w.~-]/g, '_')
}
