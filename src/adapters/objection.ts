/** What can be wrong with the lists of any adapter: two devices of one name would store their readings in one place, and a pointer may be none. */

import type { SettingObjection, SettingRow } from '../onem2m/setting-row.ts'

/** Settings as they are read: lists of tables under the plural of their key. */
export type SettingValues = Readonly<Record<string, unknown>>

/** Names that lists ask for have to differ, and `select` is a JSON pointer (RFC 6901), wherever an adapter has them. */
export function objectionsToLists(rows: readonly SettingRow[], settings: SettingValues, at = ''): SettingObjection[] {
  return rows.flatMap(({ key, rows: inner }) => {
    if (inner === undefined) return []
    const isNamed = inner.some((row) => row.key === 'name' && row.isRequired)
    const names = new Set<unknown>()
    return (settings[`${key}s`] as readonly SettingValues[]).flatMap((table, index) => {
      const place = `${at}${key}[${index + 1}].`
      const { name, select } = table
      const objections = objectionsToLists(inner, table, place)
      if (isNamed && name === '') objections.push({ key: `${place}name`, text: 'must not be empty' })
      if (isNamed && names.has(name)) objections.push({ key: `${place}name`, text: `name ${name} is there already` })
      if (typeof select === 'string' && !/^(?:\/(?:[^~]|~[01])*)?$/.test(select))
        objections.push({ key: `${place}select`, text: `${select}: must be a JSON pointer, such as "/sensor/t"` })
      names.add(name)
      return objections
    })
  })
}
