// What links and forms can't do: keys, rows that open in place, a dragged range. Nothing here is needed to read.
(() => {
  "use strict";
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const remembered = (name, value) => {
    try { return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value); } catch { return null; }
  };
  document.documentElement.classList.add("has-js");

  // A one-time link logs in with a form, so that whoever only looks at it leaves it good.
  one("form[data-send]")?.requestSubmit();

  // Rows: opened in place, with the address of the page that has them open.
  const rows = () => all("tr:has(> td .go)");
  const isOpen = (row) => row.nextElementSibling?.classList.contains("more");

  function close(row) {
    const link = one(".go", row);
    row.nextElementSibling.remove();
    row.classList.remove("is-open");
    link.setAttribute("aria-expanded", "false");
    const here = new URL(location.href);
    for (const name of ["open", "around"]) here.searchParams.delete(name);
    history.replaceState(history.state, "", here);
    link.href = link.dataset.href || withOpen(row);
    link.focus({ preventScroll: true });
  }

  function withOpen(row) {
    const here = new URL(location.href);
    here.searchParams.delete("around");
    here.searchParams.set("open", row.id.slice(2));
    return here.pathname + here.search;
  }

  async function open(row) {
    const link = one(".go", row);
    const address = withOpen(row);
    try {
      await htmx.ajax("GET", link.dataset.part, { source: link, target: row, swap: "afterend", push: "false" });
    } catch {
      location.href = address;
      return;
    }
    if (!isOpen(row)) { location.href = address; return; }
    all("tr.more").filter((more) => more !== row.nextElementSibling).forEach((more) => close(more.previousElementSibling));
    row.classList.add("is-open");
    link.setAttribute("aria-expanded", "true");
    history.replaceState(history.state, "", address);
  }

  function toggle(row) {
    if (isOpen(row)) close(row); else open(row);
  }

  addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const target = event.target;
    const closing = target.closest("tr.more .close");
    if (closing) {
      event.preventDefault();
      event.stopPropagation();
      close(closing.closest("tr").previousElementSibling);
      return;
    }
    const row = target.closest("tr");
    if (!row || !one(".go[data-part]", row) || row.classList.contains("more")) return;
    if (target.closest("a, button, input") && !target.closest(".go")) return;
    if (!getSelection().isCollapsed) return;
    event.preventDefault();
    event.stopPropagation();
    toggle(row);
  }, true);

  // What stands beside the button into the clipboard; where a browser doesn't let us, it is selected.
  addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const value = one(".code, .v", button.closest(".copyable, dd"));
    try {
      await navigator.clipboard.writeText(value.textContent);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(value);
    }
  });

  // A page as Markdown into the clipboard; where a browser doesn't let us, it is shown.
  addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-markdown]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    try {
      const text = fetch(link.href).then((answer) => answer.ok && !answer.redirected ? answer.blob() : Promise.reject(answer.status));
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
      one("span", link).textContent = "Copied";
    } catch {
      location.href = link.href;
    }
  });

  // A menu closes when something else is clicked.
  addEventListener("click", (event) => {
    all("details.pop[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  // Chosen rows: how many they are, and all at once.
  function counted(form) {
    const boxes = all("[name=group]", form), every = one("[data-all]", form);
    const chosen = boxes.filter((box) => box.checked).length;
    every.checked = chosen === boxes.length;
    every.indeterminate = chosen > 0 && !every.checked;
    one(".bulk b", form).textContent = `${chosen} chosen`;
  }
  addEventListener("change", ({ target }) => {
    const form = target.closest("form:has([data-all])");
    if (!form) return;
    if (target.matches("[data-all]")) all("[name=group]", form).forEach((box) => { box.checked = target.checked; });
    counted(form);
  });
  addEventListener("reset", ({ target }) => { if (one("[data-all]", target)) setTimeout(() => counted(target)); });

  // The histogram: drag over it to zoom. A click is a link, to one bar.
  let drag = null;
  const moment = (svg, x) => {
    const box = svg.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (x - box.left) / box.width));
    const from = Number(svg.dataset.from), until = Number(svg.dataset.until);
    return from + Math.round(part * (until - from));
  };
  const isoOf = (us) => new Date(us / 1000).toISOString();

  addEventListener("pointerdown", (event) => {
    const svg = event.target.closest?.("svg.chart[data-from]");
    if (!svg || event.button || event.pointerType === "touch") return;
    const shade = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    shade.setAttribute("class", "drag");
    shade.setAttribute("y", "14");
    shade.setAttribute("height", String(svg.height.baseVal.value - 32));
    drag = { svg, from: event.clientX, shade };
  });

  addEventListener("pointermove", (event) => {
    if (!drag || Math.abs(event.clientX - drag.from) < 5) return;
    const left = drag.svg.getBoundingClientRect().left;
    drag.svg.append(drag.shade);
    drag.shade.setAttribute("x", String(Math.min(event.clientX, drag.from) - left));
    drag.shade.setAttribute("width", String(Math.abs(event.clientX - drag.from)));
    drag.moved = true;
  });

  addEventListener("dragstart", (event) => { if (event.target.closest?.("svg.chart")) event.preventDefault(); });

  addEventListener("pointerup", (event) => {
    const done = drag;
    drag = null;
    done?.shade.remove();
    if (!done?.moved) return;
    const ends = [moment(done.svg, done.from), moment(done.svg, event.clientX)].sort((a, b) => a - b);
    const here = new URL(location.href);
    for (const name of ["last", "as_of", "cursor", "of", "open", "around", "tail"]) here.searchParams.delete(name);
    here.searchParams.set("start_time", isoOf(ends[0]));
    here.searchParams.set("end_time", isoOf(ends[1]));
    // The click that ends the drag is not meant for the bar below it.
    const swallow = (click) => { click.preventDefault(); click.stopPropagation(); };
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => {
      removeEventListener("click", swallow, { capture: true });
      go(here.pathname + here.search);
    });
  });

  function go(address) {
    const link = document.createElement("a");
    link.href = address;
    document.body.append(link);
    if (window.htmx) htmx.process(link);
    link.click();
    link.remove();
  }

  // Times: the local one on hover, where they are written in UTC; and the zone of this browser to choose.
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  addEventListener("pointerover", (event) => {
    const link = event.target.closest?.(".go[title]");
    if (!link || link.dataset.local || document.documentElement.dataset.zone === here) return;
    const time = new Date(link.title);
    if (isNaN(time)) return;
    link.dataset.local = "1";
    link.title += ` · ${time.toLocaleString()} here`;
  });

  // Keys. None with Ctrl, Alt or Meta; all off by one button of the help.
  const off = () => remembered("keys") === "off";
  let before = "";

  function focused(step) {
    const list = rows();
    const at = list.findIndex((row) => row.contains(document.activeElement) || (isOpen(row) && row.nextElementSibling.contains(document.activeElement)));
    const next = list[Math.min(list.length - 1, Math.max(0, at + step))];
    if (!next) return;
    one(".go", next).focus();
    next.scrollIntoView({ block: "nearest" });
  }

  const keys = {
    "/": () => one("#q")?.focus(),
    "?": () => one("#help")?.click(),
    "[": () => one("#back")?.click(),
    "]": () => one("#on")?.click(),
    j: () => focused(1),
    k: () => focused(-1),
    x: () => one("[data-not]", document.activeElement.closest("li, tr, .kv > div") || document.createElement("p"))?.click(),
  };

  // Bars of a histogram: one can be reached with Tab, the others from there.
  function besides(bar, step) {
    const next = step === "ArrowLeft" ? bar.previousElementSibling : bar.nextElementSibling;
    if (!next?.matches(".zoom")) return;
    bar.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const bar = event.target.closest("a.zoom");
    if (bar && ["ArrowLeft", "ArrowRight"].includes(event.key)) { event.preventDefault(); besides(bar, event.key); return; }
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "Escape") {
      if (typing) { typing.blur(); return; }
      const menu = one("details.pop[open]");
      if (menu) { menu.open = false; one("summary", menu).focus(); return; }
      const more = one("tr.more");
      if (more) close(more.previousElementSibling);
      return;
    }
    if (typing || off()) return;
    const page = before === "g" && one(`nav a[data-key="${CSS.escape(event.key)}"]`);
    before = event.key;
    const pressed = one(`[data-press="${CSS.escape(event.key)}"]`);
    const act = page ? () => page.click() : keys[event.key] || (pressed && (() => pressed.click()));
    if (!act) return;
    event.preventDefault();
    act();
  });

  function shown() {
    for (const choice of all("[data-here]")) {
      choice.value = choice.textContent = here;
      choice.hidden = !here || ["UTC", choice.dataset.here].includes(here);
    }
    const button = one("#keys");
    if (!button) return;
    button.setAttribute("aria-pressed", String(!off()));
    button.textContent = off() ? "Keys are off" : "Keys are on";
  }
  addEventListener("click", (event) => {
    if (!event.target.closest?.("#keys")) return;
    remembered("keys", off() ? "on" : "off");
    shown();
  });
  document.addEventListener("htmx:after:swap", () => {
    shown();
    // What had the focus may be gone: it stays with the open row.
    if (document.activeElement !== document.body) return;
    (one("tr.more .acts [aria-current]") || one("tr.is-open .go"))?.focus({ preventScroll: true });
  });
  shown();
})();
