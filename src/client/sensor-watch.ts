/** Devices by the labels that OpenMTC's IPEs and applications agree on: which container is a sensor's, which an actuator's, and whose. */

import type { Json } from '../onem2m/content.ts'
import type { Application } from './application.ts'

export interface Sensor {
  /** Of the container with its values. */
  readonly address: string
  /** Of the device that it belongs to: the container or AE around it. */
  readonly device: string
}

export interface SensorWatchOptions {
  /** How often new ones are looked for; 10,000. */
  readonly intervalMs?: number
  /** False leaves a sensor out. */
  readonly filter?: (sensor: Sensor) => boolean
  readonly data: (sensor: Sensor, value: Json) => Promise<void> | void
  /** Called once for each actuator, whose commands are instances pushed to its address. */
  readonly actuator?: (actuator: Sensor) => Promise<void> | void
}

const sensorLabel = 'openmtc:sensor_data'
const actuatorLabel = 'openmtc:actuator_data'

/** Finds sensors and actuators, now and later, and subscribes to every sensor, for as long as the application runs. */
export function watchSensors(application: Application, options: SensorWatchOptions): void {
  const { intervalMs = 10_000, filter = () => true, data, actuator } = options
  application.discoverEvery(intervalMs, { labels: [sensorLabel], resourceType: [3] }, async (addresses) => {
    for (const sensor of addresses.map(sensorAt).filter(filter))
      await application.subscribeContent(sensor.address, (value) => data(sensor, value))
  })
  if (actuator !== undefined)
    application.discoverEvery(intervalMs, { labels: [actuatorLabel], resourceType: [3] }, async (addresses) => {
      for (const each of addresses) await actuator(sensorAt(each))
    })
}

function sensorAt(address: string): Sensor {
  return { address, device: address.slice(0, address.lastIndexOf('/')) }
}
