/** Device models of the SDT common domain as data (TS-0023 5.5): flexContainers that say what device the modules below them belong to. */

export interface DeviceModel {
  readonly name: string
  readonly shortName: string
}

export const deviceModels: readonly DeviceModel[] = [
  { name: 'deviceAirQualityMonitor', shortName: 'dAQMr' },
  { name: 'deviceCamera', shortName: 'devCa' },
  { name: 'deviceDoor', shortName: 'devD0' },
  { name: 'deviceDoorLock', shortName: 'deDLk' },
  { name: 'deviceGenericSensor', shortName: 'deGSr' },
  { name: 'deviceLight', shortName: 'devLt' },
  { name: 'deviceSmartPlug', shortName: 'deSPg' },
  { name: 'deviceSwitch', shortName: 'devSh' },
  { name: 'deviceThermometer', shortName: 'devTr' },
  { name: 'deviceThermostat', shortName: 'devTt' },
  { name: 'deviceWaterValve', shortName: 'deWVe' },
]

/** What every device may say of the node that it is on; lines as those of module classes. */
export const deviceProperties: readonly string[] = ['deviceNodeLink nodLk text', 'flexNodeLink flNLk text']
