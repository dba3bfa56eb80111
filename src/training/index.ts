/** The training applications, in the order in which they are worth reading. */

import { actuatorGui } from './actuator-gui.ts'
import { actuatorIpe } from './actuator-ipe.ts'
import type { Lesson } from './lesson.ts'
import { sensorGui } from './sensor-gui.ts'
import { sensorIpe } from './sensor-ipe.ts'

export const finals: readonly Lesson[] = [sensorIpe, actuatorIpe, sensorGui, actuatorGui]
