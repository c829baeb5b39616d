// What the Chromium test measures inside the page. The functions travel as text, because this project is typed without a DOM.
// It leaves judging the measures to page-in-chromium.test.ts.

export interface ChartMeasure {
  readonly label: string;
  readonly width: number;
  readonly height: number;
  /** Drawn shapes (stroked or filled) whose boxes have a size. */
  readonly shapeCount: number;
  /** Text that reaches out of the card, which is where a phone would cut it. */
  readonly textOutside: readonly string[];
}

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

export const visibleText = "document.body.innerText";
