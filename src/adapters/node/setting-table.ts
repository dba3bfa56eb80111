/** What can be set about the description of the gateway itself. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import { adapterTable } from '../adapter.ts'

const command = <const Key extends string>(key: Key, text: string) =>
  ({
    key,
    type: 'list',
    default: [],
    text: `${text} The program and its arguments, each a text of its own; no shell reads them.`,
  }) as const

export const nodeTable = adapterTable({
  name: 'node',
  isEnabled: true,
  text: 'Describes this machine in the tree: a node with mgmtObjs for its device, firmware, software, memory, battery, capabilities, log and devices.',
  settings: [
    {
      key: 'resource',
      type: 'string',
      format: 'resource-name',
      default: 'gateway',
      text: 'The name of the node below the CSEBase.',
    },
    {
      key: 'period',
      type: 'duration',
      default: '1min',
      minimum: 1000,
      maximum: 86_400_000,
      text: 'Time between two looks at what changes; only what has changed is written.',
    },
    {
      key: 'inventory',
      type: 'boolean',
      default: true,
      text: 'Whether maker, model and versions are asked for once after the start, by a process of its own.',
    },
    command(
      'reboot_command',
      'What an UPDATE of reboot with rbo = true runs: ["systemctl", "reboot"]. None: it is refused.',
    ),
    command('factory_reset_command', 'What an UPDATE of reboot with far = true runs.'),
    command(
      'firmware_command',
      'What an UPDATE of firmware with ud = true runs; {url} and {version} are those of the object.',
    ),
    command(
      'software_command',
      'What an UPDATE of software runs; {action} is install, uninstall, activate or deactivate, {url} that of the object.',
    ),
    {
      key: 'command_timeout',
      type: 'duration',
      default: '10min',
      minimum: 1000,
      maximum: 86_400_000,
      text: 'How long a command may take.',
    },
    { key: 'root', type: 'string', default: '/', text: 'Directory below which proc, sys and etc are found.' },
  ],
})

export type NodeSettings = SettingsOf<typeof nodeTable.settings>
