/**
 * JSON.stringify() does not escape DEL, C1, bidi controls and invisible characters. Escaped, the document has
 * the same meaning, and nothing in it moves the cursor or reorders text, wherever it is displayed.
 */
export function escapeHidden(json: string): string {
  return json.replace(hidden, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

// A line feed outside a string is layout; inside one it is escaped already.
const hidden =
  /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|(?!\p{Variation_Selector})\p{Default_Ignorable_Code_Point}/gu;
