// JSON for standard output, which may be a terminal: control characters in strangers' names are escaped, and mean the same.
// What is written where is each command's own.

/** JSON.stringify escapes those below U+0020 itself; U+007F to U+009F drive terminals as well. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value).replace(/[\x7f-\x9f]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
