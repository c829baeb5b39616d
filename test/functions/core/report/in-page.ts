// What the Chromium test measures inside the page. The functions travel as text, because this project is typed without a DOM.
// It leaves judging the measures to page-in-chromium.test.ts.

export interface TextMeasure {
  readonly text: string;
  readonly renderedPx: number;
  /** WCAG contrast of the text's colour and what lies behind it; null when something without a plain colour does. */
  readonly contrast: number | null;
  readonly colours: string;
}

export interface ChartMeasure {
  readonly label: string;
  readonly width: number;
  readonly height: number;
  /** Drawn shapes (stroked or filled) whose boxes have a size. */
  readonly shapeCount: number;
  /** Text that reaches out of the card, which is where a phone would cut it. */
  readonly textOutside: readonly string[];
}

/** Every piece of text that is visible, in HTML and in SVG. */
export const measureTexts = `(() => {
  const canvasColour = (value) => {
    const found = /^rgba?\\(([^)]+)\\)$/.exec(value);
    if (!found) return null;
    const [red, green, blue, alpha = 1] = found[1].split(/[ ,/]+/).map(Number);
    return { rgb: [red, green, blue], alpha };
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratio = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  /** Paint of one element below a point. A line or an axis is no background: it is thinner than a letter. */
  const paint = (element) => {
    const style = getComputedStyle(element);
    if (element instanceof SVGElement) {
      if (element.tagName === "text" || element.tagName === "svg") return null;
      const colour = canvasColour(style.fill);
      return colour && { rgb: colour.rgb, alpha: colour.alpha * Number(style.opacity) * Number(style.fillOpacity) };
    }
    return canvasColour(style.backgroundColor);
  };
  const behind = (element, box) => {
    const stack = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    let rgb = [255, 255, 255];
    for (const below of stack.reverse()) {
      if (below === element) continue;
      const colour = paint(below);
      if (colour) rgb = rgb.map((value, index) => value * (1 - colour.alpha) + colour.rgb[index] * colour.alpha);
    }
    return rgb;
  };
  const measures = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.tagName === "title" || element.closest(".visually-hidden")) continue;
    element.scrollIntoView({ block: "center" });
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getClientRects()[0] ?? element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const svg = element.closest("svg");
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const colour = canvasColour(svg ? style.fill : style.color);
    const background = behind(element, box);
    measures.push({
      text: node.data.trim().slice(0, 60),
      renderedPx: Number.parseFloat(style.fontSize) * scale,
      contrast: colour && colour.alpha === 1 ? ratio(colour.rgb, background) : null,
      colours: (colour ? colour.rgb.join(" ") : style.color) + " on " + background.map(Math.round).join(" "),
    });
  }
  return measures;
})()`;

export const measureCharts = `[...document.querySelectorAll("svg.chart")].map((svg) => {
  const box = svg.getBoundingClientRect();
  const card = svg.closest(".card").getBoundingClientRect();
  const shapes = [...svg.querySelectorAll("path, line")].filter((shape) => {
    const { width, height } = shape.getBoundingClientRect();
    const style = getComputedStyle(shape);
    return width + height > 1 && (style.stroke !== "none" || style.fill !== "none");
  });
  const textOutside = [...svg.querySelectorAll("text")].filter((text) => {
    const { left, right } = text.getBoundingClientRect();
    return left < card.left + 2 || right > card.right - 2;
  });
  return {
    label: svg.getAttribute("aria-label"),
    width: box.width,
    height: box.height,
    shapeCount: shapes.length,
    textOutside: textOutside.map((text) => text.textContent),
  };
})`;

/** How far the page is wider than the window, in pixels. */
export const measureOverflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/** What could run or load: elements and attributes that have no place in a report. */
export const countActive = `document.querySelectorAll("script, img, iframe, object, embed, link, base, form").length +
  [...document.querySelectorAll("*")].filter((element) => [...element.attributes].some((attribute) => attribute.name.startsWith("on"))).length`;

export const visibleText = "document.body.innerText";
