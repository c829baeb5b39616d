// Quantiles of Student's t, for confidence intervals of few hosts or periods.
// What is compared with what is estimate.ts's.

/** Sides of a 95 % interval. */
const TAIL = 0.025;
/** The CDF's error is far below this; an interval of memory needs three digits. */
const QUANTILE_ERROR = 1e-9;

/** 97.5 % quantile with `df` degrees of freedom, which may be a fraction (Welch); df > 0. By bisection on the tail's area. */
export function quantile975(df: number): number {
  let low = 0;
  let high = 1;
  while (upperTail(high, df) > TAIL) high *= 2;
  while (high - low > QUANTILE_ERROR * high) {
    const middle = (low + high) / 2;
    if (upperTail(middle, df) > TAIL) low = middle;
    else high = middle;
  }
  return high;
}

/** P(T > t) for t >= 0: half the regularized incomplete beta function. Source: Abramowitz and Stegun 26.5.27, 26.7.1. */
export const upperTail = (t: number, df: number): number => regularizedBeta(df / (df + t * t), df / 2, 0.5) / 2;

/** Source: Numerical Recipes, 6.4: the continued fraction by Lentz's method, from the side on which it converges fast. */
function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a;
  return 1 - (front * betaFraction(1 - x, b, a)) / b;
}

const STEPS_MAX = 1_000;
const TINY = 1e-300;

function betaFraction(x: number, a: number, b: number): number {
  const safe = (value: number) => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= STEPS_MAX; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < Number.EPSILON * 4) break;
  }
  return fraction;
}

/** Lanczos's approximation, good to 15 digits for x > 0. Source: Numerical Recipes, 6.1; coefficients by Godfrey for g = 7. */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const series = lanczos.reduce(
    (sum, coefficient, place) => sum + (place === 0 ? coefficient : coefficient / (x - 1 + place)),
    0,
  );
  const base = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(series);
}

const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;
