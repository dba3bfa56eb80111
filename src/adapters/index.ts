/** The adapters there are. Their tables are read at every start; their code is loaded when they are enabled. */

import type { AdapterEntry } from './adapter.ts'
import { csvReplayTable } from './csv-replay/setting-table.ts'
import { execTable } from './exec/setting-table.ts'
import { gpioTable } from './gpio/setting-table.ts'
import { httpPollTable } from './http-poll/setting-table.ts'
import { hwmonTable } from './hwmon/setting-table.ts'
import { iioTable } from './iio/setting-table.ts'
import { modbusTable } from './modbus/setting-table.ts'
import { mqttMapTable } from './mqtt-map/setting-table.ts'
import { nodeTable } from './node/setting-table.ts'
import { serialLineTable } from './serial-line/setting-table.ts'
import { systemTable } from './system/setting-table.ts'
import { virtualTable } from './virtual/setting-table.ts'
import { w1Table } from './w1/setting-table.ts'

export const adapters: readonly AdapterEntry[] = [
  { ...systemTable, load: async () => (await import('./system/adapter.ts')).system },
  { ...nodeTable, describesGateway: true, load: async () => (await import('./node/adapter.ts')).node },
  { ...virtualTable, load: async () => (await import('./virtual/adapter.ts')).virtual },
  { ...w1Table, load: async () => (await import('./w1/adapter.ts')).w1 },
  { ...iioTable, load: async () => (await import('./iio/adapter.ts')).iio },
  { ...hwmonTable, load: async () => (await import('./hwmon/adapter.ts')).hwmon },
  { ...gpioTable, load: async () => (await import('./gpio/adapter.ts')).gpio },
  { ...mqttMapTable, load: async () => (await import('./mqtt-map/adapter.ts')).mqttMap },
  { ...serialLineTable, load: async () => (await import('./serial-line/adapter.ts')).serialLine },
  { ...csvReplayTable, load: async () => (await import('./csv-replay/adapter.ts')).csvReplay },
  { ...httpPollTable, load: async () => (await import('./http-poll/adapter.ts')).httpPoll },
  { ...execTable, load: async () => (await import('./exec/adapter.ts')).exec },
  { ...modbusTable, load: async () => (await import('./modbus/adapter.ts')).modbus },
]
