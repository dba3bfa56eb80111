/** The configuration keys of [store]. */

import type { Section } from '../setting.ts'

export const store = {
  text: 'The database that holds resources, retained messages and sessions.',
  rows: [
    {
      key: 'durability',
      type: 'string',
      choices: ['power-cut', 'process'],
      default: 'power-cut',
      text:
        'What an acknowledged request survives: "power-cut" waits for the disk; "process" only hands the data to the operating ' +
        'system, which is faster and can lose the last seconds when the power goes.',
    },
    {
      key: 'commit_delay',
      type: 'duration',
      maximum: 10_000,
      default: '0s',
      text:
        'How long a write to the disk waits for others to share it. Answers to what changes something come so much later, nothing is lost, ' +
        'and an SD card that gets many small messages lasts longer.',
    },
    {
      key: 'cache_size',
      type: 'size',
      minimum: 1_048_576,
      maximum: 1_073_741_824,
      default: '2MiB',
      text: 'Memory for blocks of the database that were read lately.',
    },
    {
      key: 'write_buffer_size',
      type: 'size',
      minimum: 65_536,
      maximum: 1_073_741_824,
      default: '1MiB',
      text: 'Memory for what was written lately; a larger one writes fewer and larger files.',
    },
    {
      key: 'reserve_size',
      type: 'size',
      minimum: 1_048_576,
      default: '16MiB',
      text: 'Free space on the disk below which writes are refused, so that the database itself never meets a full disk.',
    },
    {
      key: 'reading_patience',
      type: 'duration',
      maximum: 600_000,
      default: '0s',
      text:
        'How long readings of the adapters may wait for others to share one write to the disk, which spares an SD card; so much of ' +
        'them is lost when the power goes.',
    },
  ],
} as const satisfies Section
