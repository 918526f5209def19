// A tail: rows come into a hidden part of the table, and are put on top unless somebody reads, selects or has one open.
(() => {
  "use strict";
  const MOST = 1000;
  const STOPS = "the gateway stops";
  const one = (selector) => document.querySelector(selector);
  const number = (count) => count.toLocaleString("en");
  const waiting = () => one("#waiting"), tailed = () => one("#tailed");
  let came = 0, leftOut = 0, dropped = 0, connected = false, ended = "";

  // Why nothing is put on top now; "" for no reason.
  function held() {
    const list = tailed().closest("table"), selection = getSelection();
    if (list.getBoundingClientRect().top < 0) return "while you scroll";
    if (!selection.isCollapsed && list.contains(selection.anchorNode)) return "while you select";
    if (one("#tailed tr.more")) return "while a row is open";
    return tailed().contains(document.activeElement) ? "while a row has the focus" : "";
  }

  function state(why) {
    if (ended) return `Ended: ${ended}.`;
    if (!connected) return "Connecting.";
    return why ? `Held ${why}.` : "Following.";
  }

  function say(why) {
    const rows = waiting().querySelectorAll("tr[id]").length, button = one("#tail-show");
    if (one("#tail-state").textContent !== state(why)) one("#tail-state").textContent = state(why);
    button.hidden = !rows;
    button.textContent = `Show ${number(rows)} new ${rows === 1 ? "row" : "rows"}`;
    const said = `${number(came)} came, ${leftOut ? number(leftOut) : "none"} left out. Late rows say so.`;
    if (came && one("#tail-said").textContent !== said) one("#tail-said").textContent = said;
  }

  // Of too many that wait the oldest go; a line says so where they were.
  function trim() {
    while (waiting().children.length > MOST) {
      if (waiting().lastElementChild.id) dropped += 1, leftOut += 1;
      waiting().lastElementChild.remove();
    }
  }

  function gap() {
    const row = document.createElement("tr"), cell = document.createElement("td");
    row.className = "note";
    row.setAttribute("role", "row");
    cell.setAttribute("role", "cell");
    cell.textContent = `${number(dropped)} more came than could wait here; the page without the tail has them`;
    row.append(cell);
    dropped = 0;
    return row;
  }

  function put() {
    // What the page had already came from the same place.
    for (const row of [...waiting().children]) {
      if (row.id && tailed().querySelector(`#${CSS.escape(row.id)}`)) row.remove();
    }
    tailed().prepend(...waiting().children, ...(dropped ? [gap()] : []));
    while (tailed().children.length > MOST) tailed().lastElementChild.remove();
  }

  function settle(now) {
    if (!one("#tail")) return;
    const why = now === true ? "" : held();
    if (why) trim();
    else put();
    say(why);
  }

  document.addEventListener("htmx:sse:after:message", (event) => {
    if (!one("#tail")) return;
    if (!event.detail.message.event) {
      const fresh = document.createElement("template");
      fresh.innerHTML = event.detail.message.data;
      came += fresh.content.querySelectorAll("tr[id]").length;
      for (const note of fresh.content.querySelectorAll("[data-left-out]")) leftOut += Number(note.dataset.leftOut);
    }
    settle();
  });

  // The last event. Where the gateway only stops, it is asked again.
  document.addEventListener("end", (event) => {
    const { reason } = JSON.parse(event.detail.data);
    if (reason === STOPS) return;
    ended = reason;
    event.target.setAttribute("hx-sse:close", "end");
    settle();
  }, true);

  function link(up) {
    return (event) => {
      if (event.target !== one("#tail")) return;
      connected = up;
      settle();
    };
  }
  document.addEventListener("htmx:sse:after:connection", link(true));
  for (const name of ["before:connection", "error", "close"]) document.addEventListener(`htmx:sse:${name}`, link(false));

  // It was refused, or nobody was there, before it began.
  function refused(event) {
    if (event.target !== one("#tail") || connected || ended) return;
    const busy = event.detail.ctx?.response?.status === 429;
    ended = busy ? "too many tails are open; close one, and load this page again" : "it could not begin; load this page again";
    settle();
  }
  document.addEventListener("htmx:response:error", refused);
  document.addEventListener("htmx:error", refused);

  // Only once htmx has its extension: before that it would not know the attribute.
  function connect() {
    const bar = one("#tail");
    if (!bar || bar.hasAttribute("hx-sse:connect")) return;
    came = leftOut = dropped = 0;
    ended = "";
    bar.setAttribute("hx-sse:connect", bar.dataset.connect);
    // A trigger of our own: htmx may process what it has swapped once more, and would connect a second time.
    bar.setAttribute("hx-trigger", "follow");
    htmx.process(bar);
    htmx.trigger(bar, "follow");
  }
  addEventListener("load", connect);
  document.addEventListener("htmx:after:swap", connect);

  addEventListener("scroll", settle, { passive: true });
  document.addEventListener("selectionchange", settle);
  document.addEventListener("focusout", () => setTimeout(settle));
  addEventListener("click", (event) => {
    if (!event.target.closest?.("#tail-show")) return;
    document.activeElement.blur();
    getSelection().removeAllRanges();
    settle(true);
    tailed().closest("table").scrollIntoView({ block: "start" });
  });
})();
