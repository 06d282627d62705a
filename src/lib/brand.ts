declare const brand: unique symbol;

/** A `Base` that only its parser creates, so that two kinds of ids cannot be confused. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };
