// What each gate computes, on numbers as IEEE has them; u holds the operands, p is the
// parameter. As circuitgrad/gates.py says it: the tests hold one against the other.

const erf = (x) => {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 6) return Math.sign(x);
  // 2/√π · exp(-x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·5 ⋯ (2n+1)): no term has another sign
  let term = x, sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
};

const power = (u, v) => {
  if (u === 1 || (u === -1 && Math.abs(v) === Infinity)) return 1; // not so in ECMAScript
  return u ** v;
};

const GATES = {
  sum: (u) => u.reduce((a, b) => a + b),
  prod: (u) => u.reduce((a, b) => a * b),
  div: ([u, v]) => u / v,
  inv: ([u]) => 1 / u,
  power: ([u], p) => power(u, p),
  pow: ([u, v]) => power(u, v),
  sqrt: ([u]) => Math.sqrt(u),
  exp: ([u]) => Math.exp(u),
  log: ([u]) => Math.log(u),
  sin: ([u]) => Math.sin(u),
  cos: ([u]) => Math.cos(u),
  tan: ([u]) => Math.tan(u),
  sinh: ([u]) => Math.sinh(u),
  cosh: ([u]) => Math.cosh(u),
  tanh: ([u]) => Math.tanh(u),
  asin: ([u]) => Math.asin(u),
  acos: ([u]) => Math.acos(u),
  atan: ([u]) => Math.atan(u),
  erf: ([u]) => erf(u),
  sigmoid: ([u]) => 1 / (1 + Math.exp(-u)),
  softplus: ([u]) => Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u))),
  abs: ([u]) => Math.abs(u),
  sign: ([u]) => Math.sign(u),
  step: ([u]) => (Number.isNaN(u) ? u : Number(u > 0)),
  relu: ([u]) => Math.max(u, 0),
  leaky_relu: ([u], p) => (u > 0 ? u : p * u),
  max: (u) => Math.max(...u),
  min: (u) => Math.min(...u),
};

// Gate types of a program that are not in the table: a user's own.
const unknownGates = (program) => [
  ...new Set(
    program
      .filter((gate) => Array.isArray(gate) && !Object.hasOwn(GATES, gate[0]))
      .map((gate) => gate[0]),
  ),
];

// The value of each vertex; inputs come first.
const run = (program, inputs) => {
  const values = [];
  program.forEach((gate, vertex) => {
    if (gate === null) return values.push(inputs[vertex]);
    if (!Array.isArray(gate)) return values.push(Number(gate));
    const [name, operands, weights, parameter] = gate;
    const used = operands.map((v, slot) =>
      weights ? Number(weights[slot]) * values[v] : values[v],
    );
    values.push(GATES[name](used, Number(parameter)));
  });
  return values;
};

// A number as it is typed, 0.5, 1e-3, 1/3 or -2/7; null where it is none.
const parseNumber = (text) => {
  const number = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
  const whole = text.replaceAll("−", "-").replaceAll(" ", "");
  const found = new RegExp(`^(${number})(?:/(${number}))?$`, "i").exec(whole);
  if (!found) return null;
  const value = Number(found[1]) / (found[2] === undefined ? 1 : Number(found[2]));
  return Number.isFinite(value) ? value : null;
};

const SUPERSCRIPTS = { "-": "⁻", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].entries()) };

// A value to four digits.
const formatNumber = (value) => {
  if (Number.isNaN(value)) return "undefined";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const [digits, exponent] = value.toExponential(3).split("e").map(Number);
  const text =
    exponent < -4 || exponent > 5
      ? `${digits}·10${[...String(exponent)].map((c) => SUPERSCRIPTS[c]).join("")}`
      : String(Number(value.toPrecision(4)));
  return text.replace("-", "−");
};
