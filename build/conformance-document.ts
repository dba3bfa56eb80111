/** `docs/conformance.md`: which rule of which clause is tested by which case, from the cases themselves. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Status } from '../src/onem2m/status.ts'
import { resourceTypes } from '../src/resources/index.ts'

const tests = fileURLToPath(new URL('../test/', import.meta.url))
const folder = `${tests}cases/`

interface CaseFile {
  readonly subject: string
  readonly cases: readonly {
    readonly title: string
    readonly clause: string
    readonly steps: readonly { readonly status?: number }[]
  }[]
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

${statusSection(files.flatMap(([, { cases }]) => cases))}

${sections.join('\n\n')}

${testSection()}
`
}

/** Which response status codes cases expect, and where first. */
function statusSection(cases: CaseFile['cases']): string {
  const rows = Object.entries(Status).map(([name, code]) => {
    const using = cases.filter(({ steps }) => steps.some(({ status }) => status === code))
    const first = using[0] === undefined ? 'tested elsewhere, or only passed on' : using[0].title.replaceAll('|', '\\|')
    return `| ${code} | ${name} | ${using.length} | ${first} |`
  })
  return [
    '## Response status codes',
    '',
    '| code | name | cases | the first of them |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** Tests that are not data, and name the clause that they are about. */
function testSection(): string {
  const rows = readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .flatMap((name) =>
      [...readFileSync(tests + name, 'utf8').matchAll(/\b(?:test|it)\('([^'\n]+) \((TS-\d{4} [^)]+)\)'/g)].map(
        ([, title = '', clause = '']) =>
          `| ${clause} | ${title.replaceAll('|', '\\|')} | ${name.replaceAll('\\', '/')} |`,
      ),
    )
  return ['## Other tests', '', '| clause | rule | file |', '|---|---|---|', ...rows].join('\n')
}

/** What all specializations of a number are called. */
const specialized: Readonly<Record<number, string>> = {
  13: 'mgmtObj',
  28: 'flexContainer',
  10013: 'mgmtObjAnnc',
  10028: 'flexContainerAnnc',
}

function typesSection(): string {
  const rows = [...resourceTypes]
    .filter(({ type }, index, all) => all.findIndex((other) => other.type === type) === index)
    .sort((left, right) => left.type - right.type)
    .map(({ type, name, memberName, clause, isSpecialized }) => {
      const count = resourceTypes.filter((other) => other.type === type).length
      return isSpecialized === true
        ? `| ${type} | ${specialized[type] ?? name} | ${count} specializations | ${clause} |`
        : `| ${type} | ${name} | \`${memberName}\` | ${clause} |`
    })
  return ['## Resource types', '', '| type | name | member | clause |', '|---|---|---|---|', ...rows].join('\n')
}
