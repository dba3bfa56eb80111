/** The training applications, in the order in which they are worth reading. */

import { actuatorGui } from './actuator-gui.ts'
import { actuatorIpe } from './actuator-ipe.ts'
import { resource } from './example-01-resource.ts'
import { instance } from './example-02-instance.ts'
import { request } from './example-03-request.ts'
import { client } from './example-08-client.ts'
import { create } from './example-10-create.ts'
import { error } from './example-12-error.ts'
import { application } from './example-13-application.ts'
import { webPage } from './example-14-web-page.ts'
import { staticInformation } from './example-15-static-information.ts'
import { container } from './example-16-container.ts'
import { push } from './example-18-push.ts'
import type { Lesson } from './lesson.ts'
import { sensorGui } from './sensor-gui.ts'
import { sensorIpe } from './sensor-ipe.ts'

/** Each shows one thing. */
export const examples: readonly Lesson[] = [
  ...[resource, instance, request, client, create, error],
  ...[application, webPage, staticInformation, container, push],
]

/** Whole applications. */
export const finals: readonly Lesson[] = [sensorIpe, actuatorIpe, sensorGui, actuatorGui]
