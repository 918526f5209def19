// Suggestions while a query is typed: a list below the field, as WAI-ARIA's combobox has it. The field works without it.
(() => {
  "use strict";
  const MOST = 8;
  const known = new Map();
  let field = null, list = null, source = "", found = [], at = -1, asked = 0;

  // What is being typed: the last word before the caret; quotes hold words together. `from`: where it begins.
  function typed(input) {
    const before = input.value.slice(0, input.selectionStart);
    const word = before.match(/(?:[^\s"()]|"(?:\\.|[^"\\])*"?)*$/)[0].replace(/^-/, "");
    return { word, from: before.length - word.length };
  }

  function ask(address) {
    if (known.size > 50) known.clear();
    if (!known.has(address)) {
      const answer = fetch(address).then((got) => (got.ok && !got.redirected ? got.json() : Promise.reject(got.status)));
      known.set(address, answer.catch(() => { known.delete(address); return []; }));
    }
    return known.get(address);
  }

  // Those that begin so come before those that only hold it.
  function fitting(all, word) {
    const small = word.toLowerCase(), [name, value] = small.split(/:"?(.*)/s);
    const begins = all.filter(([text]) => text.toLowerCase().startsWith(small));
    const holds = all.filter(([text]) => {
      const [its, held] = [text.slice(0, text.indexOf(":")).toLowerCase(), text.slice(text.indexOf(":") + 1).toLowerCase()];
      return !text.toLowerCase().startsWith(small) && (value === undefined ? its.includes(small) : its === name && held.includes(value));
    });
    return [...begins, ...holds].filter(([text]) => text !== word).slice(0, MOST);
  }

  async function suggest(input) {
    const { word } = typed(input);
    const name = word.includes(":") ? word.slice(0, word.indexOf(":")) : "";
    const address = input.dataset.suggest + (name ? `&field=${encodeURIComponent(name)}` : "");
    if (!word || address !== source) hide();
    if (!word) return;
    source = address;
    const mine = ++asked, all = await ask(address);
    if (mine !== asked || document.activeElement !== input) return;
    found = fitting(all, word);
    if (found.length) show(input); else hide();
  }

  function show(input) {
    hide();
    field = input;
    list = document.createElement("ul");
    list.id = "suggested";
    list.className = "suggest";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Suggestions");
    found.forEach(([text, note], n) => {
      const option = document.createElement("li"), said = document.createElement("span");
      option.id = `suggested-${n}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      said.className = "dim s";
      said.textContent = note;
      option.append(text, said);
      list.append(option);
    });
    input.parentElement.append(list);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "true"], ["aria-controls", list.id]]) {
      input.setAttribute(name, value);
    }
  }

  // Also whatever is still being asked for.
  function hide() {
    asked++;
    list?.remove();
    list = null;
    at = -1;
    for (const name of ["role", "aria-autocomplete", "aria-expanded", "aria-controls", "aria-activedescendant"]) field?.removeAttribute(name);
  }

  function choose(n) {
    at = (n + found.length) % found.length;
    [...list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    list.children[at].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", list.children[at].id);
  }

  // A value is followed by the next word, a field by its values.
  function take(n) {
    const [text] = found[n], { from } = typed(field), ends = text.endsWith(":") ? "" : " ";
    field.setRangeText(text + ends, from, field.selectionStart, "end");
    hide();
    if (!ends) suggest(field);
  }

  document.addEventListener("input", (event) => { if (event.target.matches?.("[data-suggest]")) suggest(event.target); });
  document.addEventListener("focusout", (event) => { if (event.target.matches?.("[data-suggest]")) hide(); });
  document.addEventListener("pointerdown", (event) => {
    const option = list && event.target.closest?.(".suggest li");
    if (!option) return;
    event.preventDefault(); // the field keeps the focus
    take([...list.children].indexOf(option));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && at < 0 && event.target.matches?.("[data-suggest]")) {
      hide();
      event.target.value = event.target.value.trim();
    }
    if (!list || event.target !== field || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "ArrowDown") choose(at + 1);
    else if (event.key === "ArrowUp") choose(at < 0 ? -1 : at - 1);
    else if (event.key === "Enter" && at >= 0) take(at);
    else if (event.key === "Escape") hide();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
})();
