/** The page of documentation that follows from the configuration table: one section of the file after the other, every key with its row. */

import { adapters } from '../src/adapters/index.ts'
import { listSettings, type Setting } from '../src/appliance/configuration.ts'
import { describeExpected, writeValue } from '../src/appliance/setting.ts'
import { sections } from '../src/appliance/setting-table.ts'

const head = `# Configuration

One TOML file: the one that \`--config FILE\` names, else \`./fieldgate.toml\`, else \`/etc/fieldgate/fieldgate.toml\`. Without a file the
defaults below hold. Each key can also be set by the environment (\`FIELDGATE_SECTION_KEY\`), which wins over the file, and the listeners on
the command line (\`--mqtt HOST:PORT\`, \`--http HOST:PORT\`), which wins over both. State is kept in \`--data-dir\`, else in the directory that
systemd gives (\`$STATE_DIRECTORY\`), else in \`./data\`. Changes take effect at the next start.

\`fieldgate check-config\` says what is wrong, by key and line, and what is set. This page is written from the table of keys by
\`npm run docs\`.

\`\`\`toml
[mqtt]
listen = ["localhost:1883", "[::1]:1884"]
response_park = "2s"

[store]
durability = "power-cut"
\`\`\`
`

export function writeConfigurationDocument(): string {
  const bySection = Map.groupBy(listSettings(adapters), ({ section }) => section)
  const parts = [...bySection].map(([section, settings]) => {
    const text = Object.entries(sections).find(([name]) => name === section)?.[1].text
    return [`## [${section}]`, '', ...(text ? [text, ''] : []), ...writeTable(settings), ''].join('\n')
  })
  return [head, ...parts].join('\n')
}

function writeTable(settings: readonly Setting[]): readonly string[] {
  return [
    '| key | default | value | meaning |',
    '|---|---|---|---|',
    ...settings.map(
      ({ row }) => `| \`${row.key}\` | \`${writeValue(row.default)}\` | ${describeExpected(row)} | ${row.text} |`,
    ),
  ]
}
