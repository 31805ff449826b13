/** One change of a variable; `prepend` puts `value` and a colon before what is there. */
export interface EnvModification {
  readonly kind: "set" | "prepend";
  readonly name: string;
  readonly value: string;
}
