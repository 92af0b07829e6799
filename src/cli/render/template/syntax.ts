/** The syntax tree of a Go template. Offsets are UTF-16 positions in the template's text. */

export interface Span {
  readonly start: number
  readonly end: number
  /** Where an error points to; in a chain `.A.B` that is the second dot, as in Go. */
  readonly at: number
}

export type Operand = Span &
  (
    | { readonly kind: 'dot' }
    | { readonly kind: 'nil' }
    | { readonly kind: 'literal'; readonly value: string | number | boolean }
    | { readonly kind: 'field'; readonly names: readonly string[] }
    | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] }
    | { readonly kind: 'function'; readonly name: string }
    | { readonly kind: 'group'; readonly pipeline: Pipeline; readonly names: readonly string[] }
  )

/** An operand with its arguments: `printf "%s" .Name`. Never empty. */
export interface Command extends Span {
  readonly first: Operand
  readonly rest: readonly Operand[]
}

/** Commands joined by `|`, with the variables that take the value: `$i, $e := .Ports`. */
export interface Pipeline extends Span {
  readonly variables: readonly string[]
  /** `=` rather than `:=`. */
  readonly isAssignment: boolean
  readonly commands: readonly Command[]
}

export interface Branch extends Span {
  readonly kind: 'if' | 'with' | 'range'
  readonly pipeline: Pipeline
  readonly body: readonly Node[]
  readonly otherwise: readonly Node[]
}

export type Node =
  | (Span & { readonly kind: 'text'; readonly text: string })
  | (Span & { readonly kind: 'action'; readonly pipeline: Pipeline })
  | Branch
  | (Span & { readonly kind: 'break' | 'continue' })
  | (Span & {
      readonly kind: 'template'
      readonly name: string
      readonly pipeline: Pipeline | undefined
    })

/** A parsed text: its own nodes, and those of each `define` and `block` in it. */
export interface Program {
  readonly text: string
  readonly nodes: readonly Node[]
  readonly defined: ReadonlyMap<string, readonly Node[]>
}
