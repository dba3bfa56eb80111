/**
 * The content of a primitive: a JSON object in wire form (`{"m2m:cin": {"con": "21.4"}}`), or JSON text that is ready to be sent.
 * The second exists so that a stored representation goes from disk to socket without being parsed and written again.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [member: string]: Json
}

/** JSON text of one object. Whoever makes one vouches that it is well-formed. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Content = JsonObject | JsonText

/** The content as JSON text. */
export function contentText(content: Content): string {
  return content instanceof JsonText ? content.text : JSON.stringify(content)
}

/** The content as a JSON object. */
export function contentObject(content: Content): JsonObject {
  return content instanceof JsonText ? (JSON.parse(content.text) as JsonObject) : content
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
