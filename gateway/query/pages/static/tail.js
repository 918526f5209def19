// A tail: rows come into a hidden part of the table, and are put on top unless somebody reads, selects or has one open.
(() => {
  "use strict";
  const MOST = 1000;
  const one = (selector) => document.querySelector(selector);
  const waiting = () => one("#waiting"), tailed = () => one("#tailed");
  let came = 0, leftOut = 0, ended = "";

  // Why nothing is put on top now; "" for no reason.
  function held() {
    const list = tailed().closest("table"), selection = getSelection();
    if (list.getBoundingClientRect().top < 0) return "while you scroll";
    if (!selection.isCollapsed && list.contains(selection.anchorNode)) return "while you select";
    if (one("#tailed tr.more")) return "while a row is open";
    return tailed().contains(document.activeElement) ? "while a row has the focus" : "";
  }

  function say(why) {
    const rows = waiting().children.length, button = one("#tail-show");
    const state = ended ? `Ended: ${ended}.` : why ? `Held ${why}.` : "Following.";
    if (one("#tail-state").textContent !== state) one("#tail-state").textContent = state;
    button.hidden = !rows;
    button.textContent = `Show ${rows.toLocaleString("en")} new ${rows === 1 ? "row" : "rows"}`;
    const said = `${came.toLocaleString("en")} came, ${leftOut ? leftOut.toLocaleString("en") : "none"} left out. Late rows say so.`;
    if (came && one("#tail-said").textContent !== said) one("#tail-said").textContent = said;
  }

  function put() {
    const rows = [...waiting().children];
    // What the page had already came from the same place.
    rows.filter((row) => row.id && tailed().querySelector(`#${CSS.escape(row.id)}`)).forEach((row) => row.remove());
    tailed().prepend(...waiting().children);
    while (tailed().children.length > MOST) tailed().lastElementChild.remove();
  }

  function settle(now) {
    if (!one("#tail")) return;
    const why = now === true ? "" : held();
    if (!why) put();
    else while (waiting().children.length > MOST) waiting().lastElementChild.remove();
    say(why);
  }

  document.addEventListener("htmx:sse:after:message", (event) => {
    if (!one("#tail")) return;
    if (!event.detail?.message?.event) {
      const fresh = document.createElement("template");
      fresh.innerHTML = event.detail.message.data;
      came += fresh.content.querySelectorAll("tr[id]").length;
      for (const note of fresh.content.querySelectorAll("[data-left-out]")) leftOut += Number(note.dataset.leftOut);
    }
    settle();
  });

  document.addEventListener("end", (event) => {
    try { ended = JSON.parse(event.detail.data).reason; } catch { ended = "the connection is closed"; }
    settle();
  }, true);

  // Only once htmx has its extension: before that it would not know the attribute.
  function connect() {
    const bar = one("#tail");
    if (!bar || bar.hasAttribute("hx-sse:connect")) return;
    bar.setAttribute("hx-sse:connect", bar.dataset.connect);
    htmx.process(bar);
  }
  addEventListener("load", connect);
  document.addEventListener("htmx:after:swap", connect);

  document.addEventListener("htmx:sse:after:connection", settle);
  addEventListener("scroll", settle, { passive: true });
  document.addEventListener("selectionchange", settle);
  document.addEventListener("focusout", () => setTimeout(settle));
  addEventListener("click", (event) => {
    if (!event.target.closest?.("#tail-show")) return;
    document.activeElement.blur();
    getSelection().removeAllRanges();
    one("#tailed").closest("table").scrollIntoView({ block: "start" });
    settle(true);
  });
})();
