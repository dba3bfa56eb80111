/** What a template is: it knows the topics of a kind of device. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Outlet } from './outlet.ts'
import type { mqttMapTable } from './setting-table.ts'

export type MqttMapSettings = SettingsOf<typeof mqttMapTable.settings>

export type Template = (outlet: Outlet, settings: MqttMapSettings) => void
