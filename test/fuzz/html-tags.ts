// The tags of a page by a tokenizer of its own, written from the HTML standard (13.2.5) and not from how pages are made.
// It knows what our pages have; what the standard would repair, a stray < or a quote in a tag, it takes for a break-out.

const RAW_TEXT = new Set(["style", "script", "title", "textarea"]);
const TAG = /<(\/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[a-zA-Z:_][a-zA-Z0-9:_.-]*(?:="[^"<]*")?)*)\s*(\/?)>/y;

/** Each tag as `name attribute attribute`, closing ones with a slash, in order. Throws where a `<` begins none. */
export function tagsOf(page: string): readonly string[] {
  const tags: string[] = [];
  let at = page.indexOf("<");
  if (!page.startsWith("<!doctype html>", at)) throw new Error("no doctype");
  at += "<!doctype html>".length;
  for (at = page.indexOf("<", at); at !== -1; at = page.indexOf("<", at)) {
    TAG.lastIndex = at;
    const [whole, slash = "", name = "", attributes = ""] = TAG.exec(page) ?? [];
    if (whole === undefined) throw new Error(`no tag at ${at}: ${page.slice(at, at + 60)}`);
    const names = Array.from(attributes.matchAll(/\s([a-zA-Z:_][a-zA-Z0-9:_.-]*)(?:="[^"]*")?/g), (match) => match[1]);
    tags.push([`${slash}${name}`, ...names].join(" "));
    at += whole.length;
    if (slash === "" && RAW_TEXT.has(name)) {
      at = page.indexOf(`</${name}`, at);
      if (at === -1) throw new Error(`${name} has no end`);
    }
  }
  return tags;
}
