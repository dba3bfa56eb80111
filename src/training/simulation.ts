/** The devices that the training applications pretend to have. */

export interface SimulatedSensor {
  readonly name: string
  readonly type: string
  readonly unit: string
  /** Least and most. */
  readonly range: readonly [number, number]
}

export const sensors: readonly SimulatedSensor[] = [
  { name: 'Temp-1', type: 'temperature', unit: 'degreeC', range: [10, 34] },
  { name: 'Temp-2', type: 'temperature', unit: 'degreeC', range: [10, 34] },
  { name: 'Humi-1', type: 'humidity', unit: 'percentage', range: [20, 90] },
  { name: 'Humi-2', type: 'humidity', unit: 'percentage', range: [20, 90] },
]

/** What a command to each is. */
export const actuators: ReadonlyMap<string, readonly [on: string, off: string]> = new Map([
  ['Switch-AirCon', ['ON', 'OFF']],
  ['Switch-Window', ['OPEN', 'CLOSE']],
])

export function simulate([least, most]: readonly [number, number]): number {
  return Math.round(least + Math.random() * (most - least))
}
