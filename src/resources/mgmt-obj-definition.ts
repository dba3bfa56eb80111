/** The specializations of mgmtObj as data: TS-0001 annex D, TS-0022 for what configures devices (namespace dcfg). */

import {
  type AttributeType,
  boolean,
  enumeration,
  identifier,
  integer,
  listOf,
  nonNegativeInteger,
  objectOf,
  optional,
  positiveInteger,
  refused,
  required,
  text,
  timestamp,
  type ValueOf,
} from '../onem2m/attribute-type.ts'
import { type AttributeDefinition, type AttributeTable, attribute } from './resource-type.ts'
import { scheduleEntries } from './schedule.ts'

export interface MgmtObjDefinition {
  readonly name: string
  readonly memberName: string
  /** mgmtDefinition, TS-0004 6.3.4.2.15. */
  readonly number: number
  readonly clause: string
  readonly attributes: AttributeTable
}

/** Triggers that may not be true in the same request. */
export const exclusiveTriggers: readonly (readonly [string, string])[] = [
  ['reboot', 'factoryReset'],
  ['logStart', 'logStop'],
  ['enable', 'disable'],
  ['activate', 'deactivate'],
  ['install', 'uninstall'],
]

/** Attributes of which a resource has one or the other: TS-0022 7.1.3. */
export const alternatives: readonly (readonly [string, string])[] = [['measurementSchedule', 'measurementInterval']]

interface Trigger {
  readonly trigger: string
  /** The attribute that says how its action goes. */
  readonly status?: string
  /** What it reads as; absent where it keeps what was written. */
  readonly idle?: boolean
}

export const triggers: readonly Trigger[] = [
  { trigger: 'update', status: 'updateStatus' },
  { trigger: 'install', status: 'installStatus', idle: false },
  { trigger: 'uninstall', status: 'installStatus', idle: false },
  { trigger: 'activate', status: 'activeStatus', idle: false },
  { trigger: 'deactivate', status: 'activeStatus', idle: false },
  { trigger: 'enable', status: 'capabilityActionStatus', idle: true },
  { trigger: 'disable', status: 'capabilityActionStatus', idle: true },
  { trigger: 'reboot', idle: false },
  { trigger: 'factoryReset', idle: false },
  { trigger: 'logStart', idle: true },
  { trigger: 'logStop', idle: true },
]

export const uninitialized = { status: 0 }
export const inProcess = 3

const mandatory = <T>(short: string, type: AttributeType<T>): AttributeDefinition<T> =>
  attribute(short, type, 'M', 'O', 'OA')
const free = <T>(short: string, type: AttributeType<T>): AttributeDefinition<T> =>
  attribute(short, type, 'O', 'O', 'OA')
const kept = <T>(short: string, type: AttributeType<T>): AttributeDefinition<T> =>
  attribute(short, type, 'O', 'O', 'OA', true)
const onlyUpdated = <T>(short: string, type: AttributeType<T>): AttributeDefinition<T> =>
  attribute(short, type, 'NP', 'O', 'OA')
const readOnly = <T>(short: string, type: AttributeType<T>): AttributeDefinition<T> =>
  attribute(short, type, 'NP', 'NP', 'NA')
const fixed = <T>(short: string, type: AttributeType<T>): AttributeDefinition<T> =>
  attribute(short, type, 'O', 'NP', 'OA')

/** TS-0004 6.3.5.14: which action was started last, and how it went. */
const actionStatus = objectOf('an action status with acn and sus', {
  action: optional('acn', text),
  status: optional('sus', enumeration('0 uninitialized, 1 successful, 2 failure, 3 in process', 0, 1, 2, 3)),
})

const wifiCredentialsShape = objectOf('Wi-Fi credentials', {
  encryptionType: required('enct', enumeration('1 to 8', 1, 2, 3, 4, 5, 6, 7, 8)),
  username: optional('unm', text),
  password: optional('pwd', text),
  wepKey: optional('wepk', text),
  wpaPsk: optional('wpap', text),
})

/** Whoever configures a client writes its passwords; nobody reads them (TS-0022 7.1.10). Who is to use them subscribes to the object. */
const wifiCredentials: AttributeType<ValueOf<typeof wifiCredentialsShape>> = {
  ...wifiCredentialsShape,
  conceal: ({ encryptionType, username }) => ({ encryptionType, ...(username === undefined ? {} : { username }) }),
}

const secret: AttributeType<string> = { ...text, conceal: () => undefined }

const percentage: AttributeType<number> = {
  name: 'a percentage, 0 to 100',
  decode(wire, where) {
    if (!Number.isInteger(wire) || (wire as number) < 0 || (wire as number) > 100) throw refused(where, wire, this.name)
    return wire as number
  },
}

const define = (
  name: string,
  memberName: string,
  number: number,
  clause: string,
  attributes: AttributeTable,
): MgmtObjDefinition => ({ name, memberName, number, clause, attributes })

export const mgmtObjDefinitions: readonly MgmtObjDefinition[] = [
  define('firmware', 'm2m:fwr', 1001, 'TS-0001 D.2', {
    version: mandatory('vr', text),
    firmwareName: mandatory('fwn', text),
    url: mandatory('url', identifier),
    update: mandatory('ud', boolean),
    updateStatus: onlyUpdated('uds', actionStatus),
  }),
  define('software', 'm2m:swr', 1002, 'TS-0001 D.3', {
    version: mandatory('vr', text),
    softwareName: mandatory('swn', text),
    url: mandatory('url', identifier),
    installStatus: readOnly('ins', actionStatus),
    activeStatus: readOnly('acts', actionStatus),
    install: onlyUpdated('in', boolean),
    uninstall: onlyUpdated('un', boolean),
    activate: onlyUpdated('act', boolean),
    deactivate: onlyUpdated('dea', boolean),
  }),
  define('memory', 'm2m:mem', 1003, 'TS-0001 D.4', {
    memAvailable: mandatory('mma', nonNegativeInteger),
    memTotal: mandatory('mmt', nonNegativeInteger),
  }),
  define('areaNwkInfo', 'm2m:ani', 1004, 'TS-0001 D.5', {
    areaNwkType: mandatory('ant', text),
    listOfDevices: free('ldv', listOf(identifier)),
  }),
  define('areaNwkDeviceInfo', 'm2m:andi', 1005, 'TS-0001 D.6', {
    devId: mandatory('dvd', text),
    devType: mandatory('dvt', text),
    areaNwkId: mandatory('awi', identifier),
    sleepInterval: free('sli', nonNegativeInteger),
    sleepDuration: free('sld', nonNegativeInteger),
    devStatus: free('ss', text),
    listOfNeighbors: free('lnh', listOf(identifier)),
  }),
  define('battery', 'm2m:bat', 1006, 'TS-0001 D.7', {
    batteryLevel: mandatory('btl', percentage),
    batteryStatus: mandatory('bts', enumeration('1 to 7', 1, 2, 3, 4, 5, 6, 7)),
  }),
  define('deviceInfo', 'm2m:dvi', 1007, 'TS-0001 D.8', {
    deviceLabel: mandatory('dlb', text),
    manufacturer: mandatory('man', text),
    model: mandatory('mod', text),
    deviceType: mandatory('dty', text),
    manufacturerDetailsLink: free('mfdl', text),
    manufacturingDate: free('mfd', timestamp),
    subModel: free('smod', text),
    deviceName: free('dvnm', text),
    fwVersion: free('fwv', text),
    swVersion: free('swv', text),
    hwVersion: fixed('hwv', text),
    osVersion: free('osv', text),
    country: fixed('cnty', text),
    location: free('loc', text),
    systemTime: free('syst', timestamp),
    supportUrl: free('spur', identifier),
    presentationUrl: free('purl', identifier),
    protocol: free('ptl', listOf(text)),
  }),
  define('deviceCapability', 'm2m:dvc', 1008, 'TS-0001 D.9', {
    capabilityName: mandatory('can', text),
    attached: mandatory('att', boolean),
    capabilityActionStatus: mandatory('cas', actionStatus),
    currentState: mandatory('cus', boolean),
    enable: free('ena', boolean),
    disable: free('dis', boolean),
  }),
  define('reboot', 'm2m:rbo', 1009, 'TS-0001 D.10', {
    reboot: free('rbo', boolean),
    factoryReset: free('far', boolean),
  }),
  define('eventLog', 'm2m:evl', 1010, 'TS-0001 D.11', {
    logTypeId: mandatory('lgt', enumeration('1 to 5', 1, 2, 3, 4, 5)),
    logData: mandatory('lgd', text),
    logStatus: mandatory('lgst', enumeration('1 to 5', 1, 2, 3, 4, 5)),
    logStart: kept('lga', boolean),
    logStop: kept('lgo', boolean),
  }),
  define('dataCollection', 'dcfg:datc', 1021, 'TS-0022 7.1.3', {
    containerPath: mandatory('cntp', text),
    reportingSchedule: free('rpsc', listOf(scheduleEntries)),
    measurementSchedule: free('mesc', listOf(scheduleEntries)),
    measurementInterval: free('meil', positiveInteger),
  }),
  define('myCertFileCred', 'dcfg:nycfc', 1023, 'TS-0022 7.1.5', {
    suids: mandatory('suids', listOf(integer)),
    myCertFileFormat: attribute('mcff', identifier, 'M', 'NP', 'OA'),
    myCertFileContent: attribute('mcfc', text, 'M', 'NP', 'OA'),
  }),
  define('wifiClient', 'dcfg:wific', 1028, 'TS-0022 7.1.10', {
    ssid: mandatory('ssid', text),
    credentials: free('wcrds', wifiCredentials),
    macAddress: free('maca', text),
    channel: free('chanl', text),
    connectionStatus: kept('cons', enumeration('0 to 6', 0, 1, 2, 3, 4, 5, 6)),
    scan: mandatory('scan', boolean),
    scanResult: kept('scanr', listOf(text)),
    update: kept('ud', boolean),
    updateStatus: onlyUpdated('uds', actionStatus),
    toggleRadioStatus: kept('trdst', boolean),
    radioStatus: free('rdst', boolean),
  }),
  define('credentials', 'dcfg:crds', 1029, 'TS-0022 7.1.11', {
    purpose: free('pur', text),
    credentialId: free('crid', text),
    credentialSecret: free('crse', secret),
    credentialToken: free('crtk', secret),
  }),
  define('SIM', 'dcfg:sim', 1030, 'TS-0022 7.1.12', {
    imsi: free('imsi', text),
    iccid: mandatory('icid', text),
    simStatus: free('sist', nonNegativeInteger),
    simType: free('sity', nonNegativeInteger),
    serviceProviderName: free('spn', text),
  }),
  define('mobileNetwork', 'dcfg:mnwk', 1031, 'TS-0022 7.1.13', {
    cellularNetworkBearer: mandatory('cnb', nonNegativeInteger),
    radioSignalStrength: free('rss', integer),
    linkQuality: free('liqu', integer),
    ipAddresses: free('ipad', listOf(text)),
    routerIpAddresses: free('ripa', listOf(text)),
    apn: free('apna', text),
    cellId: free('ceid', integer),
    smnc: free('smnc', integer),
    smcc: free('smcc', integer),
    lac: free('lac', integer),
    coverageEnhancementLevel: free('coel', nonNegativeInteger),
  }),
]
