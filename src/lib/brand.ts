declare const brand: unique symbol;

/** A `Base` that only its parser can make, so two ids of different kinds never change places. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };
