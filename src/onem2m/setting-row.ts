/** The shape of a row of a configuration table, and the TypeScript type that follows from a list of them. How a value is read is the appliance's business. */

export type SettingType = 'string' | 'integer' | 'number' | 'boolean' | 'duration' | 'size' | 'list' | 'tables'

/** What a string, or each entry of a list, can be asked to look like. */
export type SettingFormat =
  | 'listen-address'
  | 'cse-id'
  | 'resource-name'
  | 'sp-id'
  | 'originator'
  | 'web-origin'
  | 'bridge-topic'
  | 'registrar-id'
  | 'point-of-access'
  | 'http-credentials'
  | 'broker-url'

export interface SettingRow {
  /** Name in the file, `snake_case`, without its section. */
  readonly key: string
  readonly type: SettingType
  /** As a person would write it: a duration is `"2s"`, a size `"256KiB"`. Only a key of a list of tables may have none: it is undefined then. */
  readonly default?: string | number | boolean | readonly string[]
  /** In a list of tables: each table must have this key. */
  readonly isRequired?: true
  /** Of type `tables`: the keys of each table of the list, written as `[[section.key]]`. */
  readonly rows?: readonly SettingRow[]
  /** One or two sentences for the operator: what it does, what the values mean. */
  readonly text: string
  /** Bounds, inclusive; those of a duration are in milliseconds, those of a size in bytes. */
  readonly minimum?: number
  readonly maximum?: number
  readonly choices?: readonly string[]
  readonly format?: SettingFormat
}

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name

type PropertyName<Row extends SettingRow> = Row['type'] extends 'duration'
  ? `${CamelCase<Row['key']>}Ms`
  : Row['type'] extends 'size'
    ? `${CamelCase<Row['key']>}Bytes`
    : Row['type'] extends 'tables'
      ? `${CamelCase<Row['key']>}s`
      : CamelCase<Row['key']>

type Value<Row extends SettingRow> = Row extends { rows: infer Rows extends readonly SettingRow[] }
  ? readonly SettingsOf<Rows>[]
  : Row extends { choices: readonly (infer Choice)[]; type: 'string' }
    ? Choice
    : Row['type'] extends 'string'
      ? string
      : Row['type'] extends 'boolean'
        ? boolean
        : Row['type'] extends 'list'
          ? readonly string[]
          : number

type Absence<Row extends SettingRow> = Row extends { type: 'tables' } | { isRequired: true } | { default: unknown }
  ? never
  : undefined

/**
 * The settings that a list of rows describes: `max_packet_size` of type size is `maxPacketSizeBytes: number`, and `point` of type tables is
 * `points`, a list of the settings of its own rows.
 */
export type SettingsOf<Rows extends readonly SettingRow[]> = {
  readonly [Row in Rows[number] as PropertyName<Row>]: Value<Row> | Absence<Row>
}

/** What a table's own check objects to: where, below its section, and why. */
export interface SettingObjection {
  /** `device[2].pattern`: the key `pattern` of the second table of `device`. */
  readonly key: string
  readonly text: string
}
