/** The sections of the configuration file: the check, the types, the documentation and `check-config` follow from their tables. */

import { access } from './setting/access.ts'
import { bridge } from './setting/bridge.ts'
import { brokers } from './setting/brokers.ts'
import { cse } from './setting/cse.ts'
import { http } from './setting/http.ts'
import { log } from './setting/log.ts'
import { mqtt } from './setting/mqtt.ts'
import { notification } from './setting/notification.ts'
import { registration } from './setting/registration.ts'
import { security } from './setting/security.ts'
import { store } from './setting/store.ts'
import type { Section, SettingsOf } from './setting.ts'

/** In the order in which they are documented. */
export const sections = {
  cse,
  mqtt,
  http,
  brokers,
  registration,
  bridge,
  notification,
  access,
  security,
  store,
  log,
} as const satisfies Record<string, Section>

type Sections = typeof sections

/** Settings of the adapters by the adapter's name, each with the values of its own table. */
export type AdapterSettings = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export type Settings = { readonly [Name in keyof Sections]: SettingsOf<Sections[Name]['rows']> } & {
  readonly adapters: AdapterSettings
}
