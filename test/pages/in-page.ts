// What is measured inside a page. The functions travel as text, because this project is typed without a DOM.
// Judging the measures is check-page.ts's.

export interface Heading {
  readonly level: number;
  readonly text: string;
}

/** Those that are not empty and not hidden from everybody, in order. */
export const headings = `[...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((heading) => ({
  level: Number(heading.tagName[1]),
  text: heading.textContent.trim().slice(0, 60),
}))`;

/** How far the page is wider than the window, in pixels, and what reaches out furthest. */
export const overflow = `(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return null;
  const worst = [...document.body.querySelectorAll("*")]
    .map((element) => ({ element, right: element.getBoundingClientRect().right }))
    .sort((a, b) => b.right - a.right)[0];
  return scrollWidth - clientWidth + " px: " + worst.element.outerHTML.slice(0, 120);
})()`;

export const openDetails = "for (const details of document.querySelectorAll('details')) details.open = true";

/** What a person without a mouse must reach: each is given a number to be recognized by. */
export const markReachable = `(() => {
  const all = [...document.querySelectorAll("a[href], area[href], summary, button, input, select, textarea, [tabindex]")];
  const reachable = all.filter((element) => element.tabIndex >= 0 && element.getClientRects().length > 0 && !element.disabled);
  reachable.forEach((element, index) => element.setAttribute("data-reachable", index));
  return reachable.length;
})()`;

export interface Focus {
  readonly index: number | null;
  readonly what: string;
  /** An outline or a shadow that is there now and is not without the focus, or another background. */
  readonly isVisible: boolean;
  readonly isInView: boolean;
}

/** Where the focus is, compared with how the same element looks without it. */
export const focusNow = `(() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const look = () => {
    const { outlineStyle, outlineWidth, outlineColor, boxShadow, backgroundColor, borderColor, textDecorationLine } = getComputedStyle(element);
    const outline = outlineStyle === "none" || outlineWidth === "0px" ? "none" : outlineStyle + outlineWidth + outlineColor;
    return JSON.stringify([outline, boxShadow, backgroundColor, borderColor, textDecorationLine]);
  };
  const focused = look();
  const { top, bottom, left, right } = element.getBoundingClientRect();
  const isInView = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
  const index = element.getAttribute("data-reachable");
  const what = element.outerHTML.slice(0, 120);
  element.blur();
  const plain = look();
  element.focus({ preventScroll: true });
  return { index: index === null ? null : Number(index), what, isVisible: focused !== plain, isInView };
})()`;

/** What could run or load, other than scripts that the page's own policy names by their hash. */
export const active = `(() => {
  const elements = [...document.querySelectorAll("img, iframe, object, embed, link, base, form")];
  const handlers = [...document.querySelectorAll("*")].filter((element) =>
    [...element.attributes].some(({ name, value }) => name.startsWith("on") || /^\\s*(javascript|vbscript):/i.test(value)));
  return [...elements, ...handlers].map((element) => element.outerHTML.slice(0, 120));
})()`;

/** Texts whose colour, composed with all that lies behind it, has less contrast than WCAG 2.2, 1.4.3 asks of their size, and tiny ones. */
export const hardToRead = `(() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const colourOf = (value) => {
    if (!value || value === "none" || value.startsWith("url")) return null;
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = value;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return { rgb: [red, green, blue], alpha: alpha / 255 };
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratio = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const over = (below, { rgb, alpha }) => below.map((value, index) => value * (1 - alpha) + rgb[index] * alpha);
  const paint = (element) => {
    const style = getComputedStyle(element);
    if (!(element instanceof SVGElement)) return colourOf(style.backgroundColor);
    if (element.tagName === "text" || element.tagName === "svg" || element.tagName === "g") return null;
    const colour = colourOf(style.fill);
    return colour && { rgb: colour.rgb, alpha: colour.alpha * Number(style.opacity) * Number(style.fillOpacity) };
  };
  const behind = (element, box) => {
    const stack = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    let rgb = matchMedia("screen and (prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
    for (const below of stack.reverse()) {
      if (below === element && element instanceof SVGElement) continue;
      const colour = paint(below);
      if (colour) rgb = over(rgb, colour);
    }
    return rgb;
  };
  /** What lies outside of a box that hides its overflow is not seen, and has another background. */
  const visiblePart = (whole, element) => {
    let { left, right, top, bottom } = whole;
    for (let box = element; box; box = box.parentElement) {
      if (getComputedStyle(box).overflowX === "visible") continue;
      const around = box.getBoundingClientRect();
      left = Math.max(left, around.left);
      right = Math.min(right, around.right);
      top = Math.max(top, around.top);
      bottom = Math.min(bottom, around.bottom);
    }
    return { x: left, y: top, width: right - left, height: bottom - top };
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("title, desc, style, script, .visually-hidden")) continue;
    element.scrollIntoView({ block: "center", behavior: "instant" });
    const range = document.createRange();
    range.selectNodeContents(node);
    const whole = range.getClientRects()[0];
    if (!whole) continue;
    const box = visiblePart(whole, element);
    if (box.width <= 0 || box.height <= 0) continue;
    const style = getComputedStyle(element);
    const svg = element.closest("svg");
    const scale = svg && svg.viewBox.baseVal.width > 0 ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const colour = colourOf(svg ? style.fill : style.color);
    const background = behind(element, box);
    const px = Number.parseFloat(style.fontSize) * scale;
    const isLarge = px >= 24 || (px >= 18.66 && Number(style.fontWeight) >= 700);
    const contrast = colour === null ? 0 : ratio(over(background, { rgb: colour.rgb, alpha: colour.alpha * Number(style.opacity) }), background);
    if (contrast < (isLarge ? 3 : 4.5) || px < 10) found.push(contrast.toFixed(2) + " at " + px.toFixed(1) + " px: " + node.data.trim().slice(0, 50) + " on rgb(" + background.map(Math.round) + ")");
  }
  scrollTo(0, 0);
  return found;
})()`;

/** In print everything folded is lost: what a reader may need on paper must not be hidden, and nothing may reach out of the sheet. */
export const printState = `(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const colours = getComputedStyle(document.body);
  return { tooWide: scrollWidth - clientWidth, text: document.body.innerText.length, background: colours.backgroundColor };
})()`;
