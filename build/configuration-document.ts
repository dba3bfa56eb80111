/** The page of documentation that follows from the configuration table: one section of the file after the other, every key with its row. */

import { adapters } from '../src/adapters/index.ts'
import { listSettings } from '../src/appliance/configuration.ts'
import { describeExpected, type SettingRow, writeValue } from '../src/appliance/setting.ts'
import { sections } from '../src/appliance/setting-table.ts'

const head = `# Configuration

One TOML file: the one that \`--config FILE\` names, else \`./fieldgate.toml\`, else \`/etc/fieldgate/fieldgate.toml\`. Without a file the
defaults below hold. Each key can also be set by the environment (\`FIELDGATE_SECTION_KEY\`), which wins over the file, and the listeners on
the command line (\`--mqtt HOST:PORT\`, \`--http HOST:PORT\`), which wins over both. State is kept in \`--data-dir\`, else in the directory that
systemd gives (\`$STATE_DIRECTORY\`), else in \`./data\`. Changes take effect at the next start.
A list of tables, such as \`[[adapters.system.point]]\`, is written with one header for each table, and only in the file.

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
  const written = new Map<readonly SettingRow[], string>()
  const parts = [...bySection].map(([section, settings]) => {
    const text = Object.entries(sections).find(([name]) => name === section)?.[1].text
    const rows = settings.map(({ row }) => row)
    return [`## [${section}]`, '', ...(text ? [text, ''] : []), ...writeTable(rows, section, written), ''].join('\n')
  })
  return [head, ...parts].join('\n')
}

/** The keys of a table, and below them those of its lists of tables, each list that several sections share once. */
function writeTable(
  rows: readonly SettingRow[],
  section: string,
  written: Map<readonly SettingRow[], string>,
): readonly string[] {
  const lists = rows.filter(({ type }) => type === 'tables')
  return [
    '| key | default | value | meaning |',
    '|---|---|---|---|',
    ...rows.filter(({ type }) => type !== 'tables').map(writeRow),
    ...lists.flatMap((row) => {
      const { key, rows: inner = [], text } = row
      const path = `${section}.${key}`
      const elsewhere = written.get(inner)
      written.set(inner, elsewhere ?? path)
      const title = ['', `### [[${path}]]`, '', text, '']
      return elsewhere === undefined
        ? [...title, ...writeTable(inner, path, written)]
        : [...title, `The keys are those of \`[[${elsewhere}]]\`.`]
    }),
  ]
}

function writeRow(row: SettingRow): string {
  const standard = row.isRequired ? 'required' : row.default === undefined ? '' : `\`${writeValue(row.default)}\``
  return `| \`${row.key}\` | ${standard} | ${describeExpected(row)} | ${row.text} |`
}
