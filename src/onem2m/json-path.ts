/**
 * JSONPath (RFC 9535) as a question: does a query find anything in a value? Names, indexes, slices forwards, wildcards, descendants, and
 * filters with comparisons and `&&`, `||`, `!`; no functions. A contentFilterQuery asks it of contents (TS-0004 table 6.3.5.8-1), and may
 * compare what paths find with values: `$.value GT 20 AND $.unit EQ "Cel"`.
 */

import { refused } from './attribute-type.ts'
import { isJsonObject, type Json } from './content.ts'

/** What a part of a query leads to from some values. */
type Step = (from: readonly Json[], root: Json) => readonly Json[]
type Test = (at: Json, root: Json) => boolean
/** A value to compare; undefined where there is none. */
type Operand = (at: Json, root: Json) => Json | undefined

const maxQueryLength = 256
/** Values that are looked at in one step; nobody has as many in earnest. */
const maxNodes = 10_000
const maxNesting = 16

/** Throws BAD_REQUEST naming `where` for a query that is none. */
export function jsonPath(query: string, where: string): (value: Json) => boolean {
  if (query.length > maxQueryLength) throw refused(where, query, `a JSONPath of at most ${maxQueryLength} characters`)
  const test = new Parser(query, where).whole()
  return (value) => test(value, value)
}

/** What EQ and its kin are in a filter. */
const comparisons: Readonly<Record<string, string>> = { EQ: '==', NE: '!=', GT: '>', GE: '>=', LT: '<', LE: '<=' }

class Parser {
  readonly #text: string
  readonly #where: string
  #at = 0
  #nesting = 0

  constructor(text: string, where: string) {
    this.#text = text
    this.#where = where
  }

  /** AND binds closer than OR. */
  whole(): Test {
    const alternatives = [this.#clauses()]
    while (this.#word(/OR\b/y) !== undefined) alternatives.push(this.#clauses())
    this.#blank()
    if (this.#at < this.#text.length) throw this.#wrong()
    return (at, root) => alternatives.some((test) => test(at, root))
  }

  #clauses(): Test {
    const tests = [this.#clause()]
    while (this.#word(/AND\b/y) !== undefined) tests.push(this.#clause())
    return (at, root) => tests.every((test) => test(at, root))
  }

  /** Whether a path finds anything, or anything that compares as it should. */
  #clause(): Test {
    this.#blank()
    this.#need('$')
    const find = this.#segments()
    const keyword = this.#word(/(?:EQ|NE|GT|GE|LT|LE|MATCH)\b/y)
    if (keyword === undefined) return (_at, root) => find([root], root).length > 0
    const wanted = this.#value()
    const operator = comparisons[keyword]
    const holds = (found: Json) =>
      operator === undefined
        ? typeof found === 'string' && typeof wanted === 'string' && found.includes(wanted)
        : compare(found, operator, wanted)
    return (_at, root) => find([root], root).some(holds)
  }

  #word(pattern: RegExp): string | undefined {
    this.#blank()
    return this.#match(pattern)
  }

  /** A text, number or word of JSON. */
  #value(): Json {
    const literal = this.#word(/"(?:[^"\\]|\\.)*"|true\b|false\b|null\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
    if (literal === undefined) throw this.#wrong()
    try {
      return JSON.parse(literal) as Json
    } catch {
      throw this.#wrong()
    }
  }

  #segments(): Step {
    const steps: Step[] = []
    for (;;) {
      if (this.#take('..')) steps.push(descend, this.#text[this.#at] === '[' ? this.#brackets() : this.#name())
      else if (this.#take('.')) steps.push(this.#name())
      else if (this.#text[this.#at] === '[') steps.push(this.#brackets())
      else return (from, root) => steps.reduce((nodes, step) => step(nodes, root).slice(0, maxNodes), from)
    }
  }

  #name(): Step {
    if (this.#take('*')) return childrenOf
    const name = this.#quoted() ?? this.#match(/[\p{L}_][\p{L}\p{N}_]*/uy)
    if (name === undefined) throw this.#wrong()
    return memberNamed(name)
  }

  #brackets(): Step {
    this.#need('[')
    const steps: Step[] = []
    do steps.push(this.#selector())
    while (this.#take(','))
    this.#need(']')
    return (from, root) => steps.flatMap((step) => step(from, root))
  }

  #selector(): Step {
    this.#blank()
    if (this.#take('*')) return childrenOf
    if (this.#take('?')) {
      const holds = this.#either()
      return (from, root) => childrenOf(from, root).filter((child) => holds(child, root))
    }
    const name = this.#quoted()
    if (name !== undefined) return memberNamed(name)
    const slice = this.#match(/(?:-?\d+)?\s*:\s*(?:-?\d+)?(?:\s*:\s*(?:[1-9]\d*)?)?/y)
    if (slice !== undefined)
      return sliceOf(slice.split(':').map((part) => (part.trim() === '' ? undefined : Number(part))))
    const index = this.#match(/-?\d+/y)
    if (index === undefined) throw this.#wrong()
    return (from) => from.flatMap((list) => (Array.isArray(list) ? defined(list.at(Number(index)) as Json) : []))
  }

  #either(): Test {
    const tests = [this.#both()]
    while (this.#take('||')) tests.push(this.#both())
    return (at, root) => tests.some((test) => test(at, root))
  }

  #both(): Test {
    const tests = [this.#single()]
    while (this.#take('&&')) tests.push(this.#single())
    return (at, root) => tests.every((test) => test(at, root))
  }

  #single(): Test {
    if (++this.#nesting > maxNesting) throw this.#wrong()
    this.#blank()
    if (this.#take('!')) {
      const test = this.#single()
      this.#nesting--
      return (at, root) => !test(at, root)
    }
    if (this.#take('(')) {
      const test = this.#either()
      this.#need(')')
      this.#nesting--
      return test
    }
    const left = this.#operand()
    this.#blank()
    const operator = this.#match(/==|!=|<=|>=|<|>/y)
    this.#nesting--
    if (operator === undefined) return (at, root) => left(at, root) !== undefined
    const right = this.#operand()
    return (at, root) => compare(left(at, root), operator, right(at, root))
  }

  #operand(): Operand {
    this.#blank()
    if (this.#take('@')) {
      const find = this.#segments()
      return (at, root) => find([at], root)[0]
    }
    if (this.#take('$')) {
      const find = this.#segments()
      return (_at, root) => find([root], root)[0]
    }
    const text = this.#quoted()
    if (text !== undefined) return () => text
    const literal = this.#match(/true\b|false\b|null\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
    if (literal === undefined) throw this.#wrong()
    const value = JSON.parse(literal) as Json
    return () => value
  }

  #quoted(): string | undefined {
    const quoted = this.#match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/y)
    return quoted?.slice(1, -1).replace(/\\(.)/g, '$1')
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  #take(token: string): boolean {
    if (token !== '..' && token !== '.') this.#blank()
    const isThere = this.#text.startsWith(token, this.#at)
    if (isThere) this.#at += token.length
    return isThere
  }

  #need(token: string): void {
    if (!this.#take(token)) throw this.#wrong()
  }

  #blank(): void {
    this.#match(/\s*/y)
  }

  #wrong() {
    return refused(this.#where, this.#text, `a JSONPath; it can't be read from character ${this.#at + 1} on`)
  }
}

function childrenOf(from: readonly Json[], _root: Json): readonly Json[] {
  return from.flatMap((value) => (Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : []))
}

/** The values themselves, and all below them. */
function descend(from: readonly Json[], root: Json): readonly Json[] {
  const all: Json[] = []
  for (let level = from; level.length > 0 && all.length < maxNodes; level = childrenOf(level, root)) all.push(...level)
  return all
}

function memberNamed(name: string): Step {
  return (from) =>
    from.flatMap((value) => (isJsonObject(value) && Object.hasOwn(value, name) ? defined(value[name]) : []))
}

function sliceOf([start, end, step = 1]: readonly (number | undefined)[]): Step {
  return (from) =>
    from.flatMap((list) => (Array.isArray(list) ? list.slice(start, end).filter((_, index) => index % step === 0) : []))
}

function defined(value: Json | undefined): readonly Json[] {
  return value === undefined ? [] : [value]
}

function compare(left: Json | undefined, operator: string, right: Json | undefined): boolean {
  const isSame = JSON.stringify(left) === JSON.stringify(right)
  if (operator === '==') return isSame
  if (operator === '!=') return !isSame
  if (isSame && operator.endsWith('=')) return true
  const isOrdered =
    (typeof left === 'number' && typeof right === 'number') || (typeof left === 'string' && typeof right === 'string')
  if (!isOrdered) return false
  return operator.startsWith('<') ? (left as number) < (right as number) : (left as number) > (right as number)
}
