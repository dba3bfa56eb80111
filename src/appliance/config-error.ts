/** What an operator got wrong, said so that it can be put right: where it stands, the key, the value, what to write instead. */

export class ConfigError extends Error {
  /** The key (`mqtt.listen`), or the name of the file when the whole file is at fault. */
  readonly path: string

  constructor(path: string, text: string) {
    super(text)
    this.name = 'ConfigError'
    this.path = path
  }
}
