// What the page does: steps, values, what is said of a gate.

const $ = (id) => document.getElementById(id);

const state = {
  view: 0, // which mode
  step: null, // how many steps are done; null: all are shown, none is begun
  chosen: null, // the key of the gate that has the focus
  hovered: null,
  values: null, // of each vertex, by view; null where a field has no number
  zoom: 0, // 0: fit
};
const views = data.views.map((view) => ({ ...view, ...drawFigure(view) }));
const modes = { reverse: "Backpropagation", forward: "Forward propagation" };
const current = () => views[state.view];

// ---------------------------------------------------------------------- steps

const reached = () => state.step ?? current().steps.length;
const isShown = (part) => part.comes <= reached();

const showStep = (step) => {
  const { steps, parts } = current();
  state.step = step === null ? null : Math.min(Math.max(step, 0), steps.length);
  const visited = state.step ? steps[state.step - 1][1] : null;
  for (const part of parts.values()) {
    const fresh = state.step > 0 && part.comes === state.step;
    part.group.classList.toggle("later", !isShown(part));
    part.group.classList.toggle("fresh", fresh);
    part.group.classList.toggle("visited", part.key === visited);
    if (fresh && ["adjoint", "tangent"].includes(part.role)) reveal(part);
  }
  $("first").disabled = $("back").disabled = state.step === 0;
  $("next").disabled = state.step === steps.length;
  $("last").disabled = state.step === steps.length;
  $("spoken").textContent = caption(state.step);
  if (state.chosen && !isShown(parts.get(state.chosen))) choose(null);
  order();
};

const reveal = ({ group }) => 
  group.scrollIntoView({ block: "center", inline: "center" });

// Write what is said of a step; give it as text.
const caption = (step) => {
  const { steps, mode } = current();
  const [title, rule] = [$("title"), $("rule")];
  rule.replaceChildren();
  let spoken = "";
  if (step === null) {
    title.textContent = `All ${steps.length} steps. `;
    title.append(html("kbd", {}, "→"), " goes through them one by one.");
  } else if (step === 0) {
    title.textContent = "The circuit, before the first step.";
    spoken = title.textContent;
  } else {
    const [name, , rules] = steps[step - 1];
    title.textContent = `Step ${step} of ${steps.length}: visit `;
    title.append(mathematics(name));
    for (const [derivative, ...terms] of rules) {
      const equation = html("div", { class: "equation" });
      equation.append(html("span", {}, mathematics(derivative), " ="));
      terms.forEach((term, number) => {
        equation.append(html("span", {}, number ? "+ " : "", mathematics(term)));
      });
      rule.append(equation);
    }
    const sums = rules.map(
      ([derivative, ...terms]) => `${plain(derivative)} = ${terms.map(plain).join(" + ")}`,
    );
    spoken = `Step ${step} of ${steps.length}, ${plain(name)}: ${sums.join(", ")}`;
  }
  if (mode === "forward" && data.note) {
    title.append(html("span", { class: "hint note" }, data.note));
  }
  return spoken;
};

// Give the steps the height that the longest of them needs, so that nothing moves.
const measure = () => {
  const bar = $("steps");
  bar.style.height = "auto";
  let height = 0;
  for (let step = 0; step <= current().steps.length; step++) {
    caption(step);
    height = Math.max(height, bar.offsetHeight);
  }
  bar.style.height = `${Math.min(height, innerHeight * 0.3)}px`;
  caption(state.step);
};

// ---------------------------------------------------------------------- values

const fields = data.inputs.map(([name, line, value], number) => {
  const id = `input${number}`;
  const label = html("label", { for: id });
  label.append(nameOf(line));
  const field = html("input", { id, type: "text", inputmode: "text", spellcheck: "false" });
  field.value = value;
  field.dataset.name = name;
  const words = html("span", { class: "wrong", id: `${id}wrong` });
  field.setAttribute("aria-describedby", words.id);
  field.addEventListener("input", () => compute(true));
  $("inputs").append(label, field, words);
  return { field, words };
});
$("inputs").addEventListener("submit", (event) => event.preventDefault());

const missing = unknownGates(data.views.flatMap((view) => view.program));

const compute = (moved) => {
  const numbers = fields.map(({ field, words }) => {
    const number = parseNumber(field.value);
    const wrong = number === null && field.value.trim() !== "";
    field.setAttribute("aria-invalid", String(wrong));
    words.textContent = wrong ? "a number, such as 0.5, 1e-3 or 1/3" : "";
    return number;
  });
  const known = !missing.length && numbers.every((number) => number !== null);
  state.values = known ? views.map((view) => run(view.program, numbers)) : null;
  for (const [number, view] of views.entries()) {
    for (const part of view.parts.values()) {
      if (part.value) write(part, state.values?.[number][part.words.vertex], moved);
    }
  }
  showOutputs();
  describe();
};

const write = (part, value, moved) => {
  const text = value === undefined ? "" : formatNumber(value);
  if (part.value.textContent === text) return;
  part.value.textContent = text;
  const wide = text.length * 5.9;
  const fit = wide > part.room ? Math.max(part.room, 26) : 0;
  part.value.toggleAttribute("textLength", false);
  if (fit) {
    part.value.setAttribute("textLength", fit.toFixed(1));
    part.value.setAttribute("lengthAdjust", "spacingAndGlyphs");
  } else {
    part.value.removeAttribute("lengthAdjust");
  }
  if (!moved) return;
  // what changes lights up from the inputs on
  part.group.classList.remove("changed");
  part.value.getBoundingClientRect();
  part.value.style.animationDelay = `${Math.min(part.words.vertex * 25, 1200)}ms`;
  part.group.classList.add("changed");
};

const showOutputs = () => {
  const box = $("outputs");
  box.replaceChildren();
  if (data.silent) {
    box.textContent = data.silent;
    return;
  }
  if (missing.length) {
    box.textContent = `No values: this page does not know the gate ${missing.join(", ")}.`;
    return;
  }
  for (const [name, mixed, vertex] of current().outputs.slice(0, 40)) {
    const value = state.values?.[state.view][vertex];
    const row = html("p", { class: "output" });
    const number = html("output", { "data-name": name });
    number.textContent = value === undefined ? "–" : formatNumber(value);
    if (value !== undefined) number.dataset.value = String(value);
    row.append(mathematics(mixed), " = ", number);
    box.append(row);
  }
};

// ---------------------------------------------------------------------- gates

const row = (term, ...what) => [html("dt", {}, term), html("dd", {}, ...what)];

const valueText = (vertex) => {
  const value = state.values?.[state.view][vertex];
  return value === undefined ? null : formatNumber(value);
};

const describe = () => {
  const { parts } = current();
  const part = parts.get(state.hovered ?? state.chosen);
  for (const each of parts.values()) each.group.classList.remove("on", "partner");
  const box = $("gate");
  box.replaceChildren();
  if (!part?.words) {
    box.append(html("p", { class: "hint" }, "Point at a gate; or Tab to one, then ↑ ↓."));
    return;
  }
  const words = part.words;
  part.group.classList.add("on");
  for (const key of words.partner ?? []) {
    const other = parts.get(key);
    if (other && isShown(other)) other.group.classList.add("partner");
  }
  const heading = html("p", { class: "name" }, mathematics(words.name));
  const value = valueText(words.vertex);
  if (value !== null) heading.append(` = ${value}`);
  const list = html("dl", {});
  const lines = (all) => all.map((mixed) => html("div", {}, mathematics(mixed)));
  if (words.rule) list.append(...row("chain rule", ...lines(words.rule)));
  if (words.formula) {
    const formula = html("div", {}, mathematics(words.name), " = ", mathematics(words.formula));
    list.append(...row("formula", formula));
  }
  if (words.partials?.length) {
    const equations = words.partials.map(([of, by, value]) =>
      html("div", {}, fraction(of, by), " = ", mathematics(value)),
    );
    list.append(...row(equations.length > 1 ? "partials" : "partial", ...equations));
  }
  if (words.derivative) {
    const derivative = valueText(words.derivativeVertex);
    const tail = derivative === null ? "" : ` = ${derivative}`;
    list.append(...row("derivative", mathematics(words.derivative), tail));
  }
  const origin = html("bdi", {});
  origin.textContent = words.from;
  list.append(...row("from", origin));
  box.append(heading, list);
};

const spoken = ({ words }) => {
  const formula = words.formula ? ` = ${plain(words.formula)}` : "";
  return `${words.side}: ${plain(words.name)}${formula}, ${words.from}`;
};

// The gates that can be walked through, and the one that Tab leads to.
const walk = () =>
  [...current().parts.values()].filter((part) => part.words && isShown(part));

const order = () => {
  const all = walk();
  const first = all.find((part) => part.key === state.chosen) ?? all[0];
  for (const part of current().parts.values()) {
    if (part.words) part.group.setAttribute("tabindex", part === first ? "0" : "-1");
  }
};

const choose = (key, focus = false) => {
  state.chosen = key;
  order();
  describe();
  if (focus) {
    const part = current().parts.get(key);
    part.group.focus({ preventScroll: true });
    reveal(part);
  }
};

const walkBy = (by) => {
  const all = walk();
  const at = all.findIndex((part) => part.key === state.chosen);
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1);
  if (all.length) choose(all[next].key, true);
};

const opposite = () => {
  const { parts } = current();
  const keys = parts.get(state.chosen)?.words?.partner ?? [];
  const found = keys.find((key) => parts.get(key)?.words && isShown(parts.get(key)));
  if (found) choose(found, true);
};

for (const view of views) {
  for (const part of view.parts.values()) {
    if (!part.words) continue;
    const { group, key } = part;
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", spoken(part));
    group.setAttribute("aria-describedby", "gate"); // which has the focus by then
    group.dataset.key = key;
    group.addEventListener("pointerenter", () => {
      state.hovered = isShown(part) ? key : null;
      describe();
    });
    group.addEventListener("pointerleave", () => {
      state.hovered = null;
      describe();
    });
    group.addEventListener("focus", () => {
      state.chosen = key;
      order();
      describe();
    });
    group.addEventListener("click", () => isShown(part) && choose(key, true));
  }
}

// ---------------------------------------------------------------------- the page

const LEAST = 0.54; // pixels a point: what would be smaller is scrolled instead,
const READ = 0.9; // at a size to read
const MOST = 1.7;

// The scale at which the whole figure is seen.
const whole = () => {
  const { width, height } = current();
  const [across, down] = [$("stage").clientWidth - 8, $("stage").clientHeight - 8];
  return Math.min(across / width, down / height);
};

const resize = () => {
  const { picture, width, height } = current();
  const fit = Math.min(whole(), MOST);
  const scale = state.zoom || (fit < LEAST ? READ : fit);
  picture.style.width = `${Math.floor(width * scale)}px`;
  picture.style.height = `${Math.floor(height * scale)}px`;
  return scale;
};

const zoomBy = (factor) => {
  state.zoom = Math.min(Math.max(resize() * factor, 0.1), 8);
  resize();
};

// All of it; pressed again, what would be too small at a size to read.
const fitAll = () => {
  state.zoom = state.zoom === 0 && whole() < LEAST ? whole() : 0;
  resize();
};

const showView = (number) => {
  state.view = number;
  state.chosen = state.hovered = null;
  state.zoom = 0;
  const view = current();
  $("stage").replaceChildren(view.picture);
  [...$("modes").children].forEach((button, at) =>
    button.setAttribute("aria-pressed", String(at === number)),
  );
  const roles = new Set(view.nodes.map(([, role]) => role));
  $("legend").replaceChildren(
    ...Object.entries(data.roles)
      .filter(([role]) => roles.has(role))
      .map(([role, words]) => html("span", { class: role }, html("i", {}), words)),
  );
  const body = $("counts").tBodies[0];
  body.replaceChildren(
    ...view.counts.map(([name, ...cells]) => {
      const line = html("tr", {}, html("th", { scope: "row" }, name));
      line.append(...cells.map((cell) => html("td", {}, cell)));
      return line;
    }),
  );
  $("bound").textContent = view.bound;
  showStep(null);
  measure();
  resize();
  showOutputs();
  describe();
};

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

const showTheme = () => {
  $("theme").textContent = isDark() ? "Light" : "Dark";
};

const toggleTheme = () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  showTheme();
};

data.views.forEach(({ mode }, number) => {
  const key = mode === "reverse" ? "B" : "F";
  const button = html("button", { type: "button", title: `${modes[mode]} (${key})` });
  button.dataset.mode = mode;
  button.textContent = modes[mode];
  button.addEventListener("click", () => showView(number));
  $("modes").append(button);
});
if (data.views.length === 1) $("modes").append(html("span", { class: "hint" }, data.note));

const modeOf = (mode) => data.views.findIndex((view) => view.mode === mode);
const go = (mode) => modeOf(mode) >= 0 && showView(modeOf(mode));

const KEYS = {
  ArrowRight: () => showStep((state.step ?? 0) + 1),
  ArrowLeft: () => showStep(reached() - 1),
  Home: () => showStep(0),
  End: () => showStep(current().steps.length),
  ArrowDown: () => walkBy(1),
  ArrowUp: () => walkBy(-1),
  m: opposite,
  b: () => go("reverse"),
  f: () => go("forward"),
  t: toggleTheme,
  "+": () => zoomBy(1.25),
  "-": () => zoomBy(0.8),
  0: fitAll,
  Escape: () => choose(null),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement;
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const inFigure = $("stage").contains(event.target) || event.target === document.body;
  if (key.startsWith("Arrow") && key !== "ArrowLeft" && key !== "ArrowRight" && !inFigure) return;
  if (!Object.hasOwn(KEYS, key)) return;
  event.preventDefault();
  KEYS[key]();
});

for (const [id, key] of Object.entries({
  first: "Home", back: "ArrowLeft", next: "ArrowRight", last: "End",
  smaller: "-", larger: "+", fit: "0", theme: "t",
})) {
  $(id).addEventListener("click", KEYS[key]);
}
window.addEventListener("resize", () => {
  measure();
  resize();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);

showTheme();
showView(0);
compute(false);
