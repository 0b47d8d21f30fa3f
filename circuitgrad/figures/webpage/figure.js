// Drawing: lines of mathematics and figures, from data, as SVG. Text of a circuit is
// only ever text or the value of an attribute that no browser runs.

const data = JSON.parse(document.getElementById("data").textContent);

const SVG = "http://www.w3.org/2000/svg";
const LEADING = 2.5;
const ARROW = 6;
const VALUE = 9; // height of digits

const svg = (name, attributes = {}, ...children) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const html = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const textOf = (line) => data.lines[line][0];
const isSet = (line) => data.lines[line].length > 2;
const widthOf = (line) => data.lines[line][1] / 100;
const heightOf = (line) => (isSet(line) ? data.lines[line][2] / 100 : 11.2);

// Where outlines are kept, each once.
const library = svg("svg", { width: 0, height: 0, "aria-hidden": "true", class: "spoken" });
data.glyphs.forEach((d, number) => library.append(svg("path", { id: `glyph${number}`, d })));
document.body.append(library);

// A line, from its left end, its middle at y.
const drawLine = (line, x, y) => {
  if (!isSet(line)) {
    const text = svg("text", { x: x + widthOf(line) / 2, y: y + 4, class: "words" });
    text.textContent = textOf(line);
    return text;
  }
  const [, , , glyphs, rules = []] = data.lines[line];
  const group = svg("g", { class: "ink" });
  for (let i = 0; i < glyphs.length; i += 4) {
    const [glyph, gx, gy, scale] = glyphs.slice(i, i + 4);
    const at = `translate(${(x + gx / 100).toFixed(2)} ${(y + gy / 100).toFixed(2)})`;
    const transform = `${at} scale(${((scale * 6) / 1e7).toPrecision(5)})`;
    group.append(svg("use", { href: `#glyph${glyph}`, transform }));
  }
  for (let i = 0; i < rules.length; i += 4) {
    const [rx, ry, width, height] = rules.slice(i, i + 4).map((each) => each / 100);
    group.append(svg("rect", { x: x + rx, y: y + ry, width, height }));
  }
  return group;
};

const SCALE = 1.25;

// A name among words.
const nameOf = (line) => {
  if (!isSet(line)) {
    const text = html("bdi", { class: "letters", dir: "ltr" });
    text.textContent = textOf(line);
    return text;
  }
  const [width, height] = [widthOf(line), heightOf(line)];
  const made = svg("svg", {
    class: "line",
    role: "img",
    "aria-label": textOf(line),
    viewBox: `0 ${-height / 2} ${width} ${height}`,
    width: (width * SCALE).toFixed(1),
    height: (height * SCALE).toFixed(1),
  });
  made.append(drawLine(line, 0, 0));
  return made;
};

// A formula: texts, and between them the lines of names.
const mathematics = (mixed, before = "") => {
  const made = html("span", { class: "mathematics" }, before);
  mixed.forEach((part, at) => made.append(at % 2 ? nameOf(part) : part));
  return made;
};

const fraction = (above, below) =>
  html(
    "span",
    { class: "fraction" },
    mathematics(above, "∂"),
    mathematics(below, "∂"),
  );

const plain = (mixed) => mixed.map((part, at) => (at % 2 ? textOf(part) : part)).join("");

// The curve of a wire without its arrow's head, and the head's corners.
const arrow = (points) => {
  const tip = points.at(-1);
  const before = points.slice(0, -1).findLast((p) => p[0] !== tip[0] || p[1] !== tip[1]);
  const [dx, dy] = before ? [tip[0] - before[0], tip[1] - before[1]] : [0, 0];
  const long = Math.hypot(dx, dy) || 1;
  const share = Math.min(1, ARROW / long);
  const base = [tip[0] - share * dx, tip[1] - share * dy];
  const across = [(-dy / long) * 0.36 * ARROW, (dx / long) * 0.36 * ARROW];
  const corners = [
    tip,
    [base[0] + across[0], base[1] + across[1]],
    [base[0] - across[0], base[1] - across[1]],
  ];
  return [[...points.slice(0, -1), base], corners];
};

const written = (point) => point.map((x) => x.toFixed(1)).join(" ");

const SHAPES = ["ellipse", "box", "plain"];
const SHAPE = 2; // a wire's label that says what shape its array has

// A figure: its picture, and its parts by key.
const drawFigure = (view) => {
  const [left, bottom, right, top] = view.box;
  const margin = 10;
  const heading = 26;
  const width = right - left + 2 * margin;
  const height = top - bottom + 2 * margin + heading;
  const place = (x, y) => [x - left + margin, top - y + margin + heading];
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    class: `figure ${view.mode}`,
    role: "group",
    "aria-label": view.mode === "reverse" ? "C and ∇C" : "C and its derivatives",
  });
  for (const [text, from, to] of view.halves) {
    const at = { x: place((from + to) / 2, 0)[0], y: margin + 8, class: "heading" };
    const made = svg("text", at);
    made.textContent = text;
    picture.append(made);
  }
  const parts = new Map();
  for (const [key, style, comes, curve, labels] of view.wires) {
    const points = [];
    for (let i = 0; i < curve.length; i += 2) {
      points.push(place(curve[i] / 10, curve[i + 1] / 10));
    }
    const [shaft, corners] = arrow(points);
    const d = `M${written(shaft[0])}C${shaft.slice(1).map(written).join(" ")}`;
    const group = svg("g", { class: `wire ${style}` });
    group.append(svg("path", { d }), svg("polygon", { points: corners.map(written).join(" ") }));
    for (const [line, x, y, kind] of labels) {
      const at = place(x / 10, y / 10);
      const [width, height] = [widthOf(line), heightOf(line)];
      if (kind) { // on the wire, and no operand's number beside it
        const corner = { x: at[0] - width / 2 - 1, y: at[1] - height / 2 };
        group.append(svg("rect", { ...corner, width: width + 2, height, class: "patch" }));
      }
      const drawn = drawLine(line, at[0] - width / 2, at[1]);
      if (kind === SHAPE) drawn.classList.add("soft");
      group.append(drawn);
    }
    picture.append(group);
    parts.set(style === "output" ? `${key} arrow` : key, { key, comes, group });
  }
  for (const [key, role, shape, x, y, w, h, comes, flags, lines] of view.nodes) {
    const at = place(x / 10, y / 10);
    const part = { key, role, comes, words: view.words[key] };
    const group = svg("g", { class: `node ${role}${flags & 1 ? " dashed" : ""}` });
    if (SHAPES[shape] === "ellipse") {
      group.append(svg("ellipse", { cx: at[0], cy: at[1], rx: w / 20, ry: h / 20 }));
    } else if (SHAPES[shape] === "box") {
      const corner = { x: at[0] - w / 20, y: at[1] - h / 20 };
      group.append(svg("rect", { ...corner, width: w / 10, height: h / 10, rx: 5 }));
    }
    const isValue = (number) => flags & 2 && number === lines.length - 1;
    const heights = lines.map((line, number) => (isValue(number) ? VALUE : heightOf(line)));
    const full = heights.reduce((a, b) => a + b, 0) + LEADING * (lines.length - 1);
    let from = at[1] - full / 2;
    lines.forEach((line, number) => {
      const middle = from + heights[number] / 2;
      if (isValue(number)) {
        part.value = svg("text", { x: at[0], y: middle + 3.9, class: "value" });
        part.room = w / 10 - 9;
        group.append(part.value);
      } else {
        group.append(drawLine(line, at[0] - widthOf(line) / 2, middle));
      }
      from += heights[number] + LEADING;
    });
    picture.append(group);
    parts.set(key, { ...part, group });
  }
  return { picture, parts, width, height };
};
