/** `docs/conformance.md`: which rule of which clause is tested by which case, from the cases themselves. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { resourceTypes } from '../src/resources/index.ts'

const folder = fileURLToPath(new URL('../test/cases/', import.meta.url))

interface CaseFile {
  readonly subject: string
  readonly cases: readonly { readonly title: string; readonly clause: string; readonly steps: readonly unknown[] }[]
}

export function writeConformanceDocument(): string {
  const files = readdirSync(folder)
    .filter((name) => name.startsWith('cse-'))
    .sort()
    .map((name) => [name, JSON.parse(readFileSync(folder + name, 'utf8')) as CaseFile] as const)
  const sections = files.map(([name, { subject, cases }]) => {
    const rows = [...cases]
      .sort((left, right) => left.clause.localeCompare(right.clause, 'en', { numeric: true }))
      .map(({ clause, title, steps }) => `| ${clause} | ${title.replaceAll('|', '\\|')} | ${steps.length} |`)
    return [
      `## ${subject[0]?.toUpperCase()}${subject.slice(1)}`,
      '',
      `\`test/cases/${name}\``,
      '',
      '| clause | rule | requests |',
      '|---|---|---|',
      ...rows,
    ].join('\n')
  })
  return `# Conformance

Every row is a case that is run three times: handed to the CSE, over the MQTT binding and over the HTTP binding. This page is written from the
cases by \`npm run docs\`. What the tables of the resource types say about their attributes is tested by properties besides: any set of attributes is
accepted and read back equal, or refused with 4000 naming the attribute.

${typesSection()}

${sections.join('\n\n')}
`
}

function typesSection(): string {
  const rows = [...resourceTypes]
    .filter(({ type }, index, all) => all.findIndex((other) => other.type === type) === index)
    .sort((left, right) => left.type - right.type)
    .map(({ type, name, memberName, clause, isSpecialized }) => {
      const count = resourceTypes.filter((other) => other.type === type).length
      return isSpecialized === true
        ? `| ${type} | ${type === 13 ? 'mgmtObj' : 'flexContainer'} | ${count} specializations | ${clause} |`
        : `| ${type} | ${name} | \`${memberName}\` | ${clause} |`
    })
  return ['## Resource types', '', '| type | name | member | clause |', '|---|---|---|---|', ...rows].join('\n')
}
