import type { SeededRandom } from '@layerswarm/swarm/testing'

/** Draws from the distributions that measurements of real swarms are published as. */

/** Uniform in (0, 1]: safe to take the logarithm of. */
function positive(random: SeededRandom): number {
  return 1 - random.uniform()
}

/** Exponential; Poisson arrivals have these gaps. */
export function exponential(random: SeededRandom, mean: number): number {
  return -mean * Math.log(positive(random))
}

/** Weibull; with a shape below 1 most sessions are short and a few very long. */
export function weibull(random: SeededRandom, shape: number, scale: number): number {
  return scale * (-Math.log(positive(random))) ** (1 / shape)
}

/** Mean of a Weibull distribution. */
export function weibullMean(shape: number, scale: number): number {
  return scale * gamma(1 + 1 / shape)
}

/**
 * What is left of the session of a peer met at a random moment: a session found running is drawn in
 * proportion to its length, and the moment lies anywhere in it. Most peers that one meets are
 * therefore long-lived although most sessions are short.
 */
export function weibullResidual(random: SeededRandom, shape: number, scale: number): number {
  // Length-biased: x · density(x) makes (x / scale)^shape a gamma variable of shape 1 + 1/shape.
  const length = scale * gammaVariable(random, 1 + 1 / shape) ** (1 / shape)
  return length * random.uniform()
}

/** Standard normal, after Box and Muller. */
export function normal(random: SeededRandom): number {
  return Math.sqrt(-2 * Math.log(positive(random))) * Math.cos(2 * Math.PI * random.uniform())
}

/** Log-normal by its median and the spread of its logarithm. */
export function logNormal(random: SeededRandom, median: number, sigma: number): number {
  return sigma === 0 ? median : median * Math.exp(sigma * normal(random))
}

/** Gamma variable of scale 1 and a shape of at least 1, after Marsaglia and Tsang (2000). */
function gammaVariable(random: SeededRandom, shape: number): number {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(random)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(positive(random)) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v
  }
}

/** The gamma function, after Lanczos (g = 7, 9 terms); relative error below 1e-13. */
function gamma(x: number): number {
  const terms = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
    1.5056327351493116e-7,
  ]
  const t = x + 6.5
  const sum = terms.reduce((total, term, i) => total + (i === 0 ? term : term / (x - 1 + i)), 0)
  return Math.sqrt(2 * Math.PI) * t ** (x - 0.5) * Math.exp(-t) * sum
}
