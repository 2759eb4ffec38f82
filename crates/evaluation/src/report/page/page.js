// The page: addresses, keys, light and dark.
//
// Addresses: `#` is the run, `#?status=bad&q=…` the run with filters, `#trace/3` a trace, `#trace/3/call/5` one of its calls.

const report = JSON.parse(byId("data").textContent);
const page = { list: null, trace: null, call: null };

function start() {
  const words = COMMANDS[report.command];
  document.title = `${words.title}: ${report.totals.good} of ${report.totals.traces} ${words.good}`;
  byId("title").textContent = words.title;
  byId("program").textContent = report.program;
  page.list = new List(report, summarise(report));
  page.list.onchange = () => {
    if (page.trace === null) history.replaceState(null, "", page.list.address());
    else neighbours();
  };
  byId("home").addEventListener("click", () => page.list.apply({}));
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
  byId("keys-button").addEventListener("click", () => byId("keys").showModal());
  addEventListener("hashchange", route);
  addEventListener("keydown", key);
  themes();
  route();
}

/** Show what the address names. */
function route() {
  const named = /^#trace\/(\d+)(?:\/call\/(\d+))?$/.exec(location.hash);
  const summary = named && page.list.summaries[Number(named[1]) - 1];
  if (summary) {
    if (page.trace !== summary.number) openTrace(summary);
    if (named[2]) openCall(Number(named[2]));
    return;
  }
  if (location.hash.startsWith("#?")) page.list.apply(Object.fromEntries(new URLSearchParams(location.hash.slice(2))));
  openRun();
}

function openRun() {
  const from = page.trace;
  Object.assign(page, { trace: null, call: null });
  document.body.dataset.view = "run";
  byId("main").replaceChildren(...kept(showRun(report)));
  page.list.mark(null);
  if (page.list.address() !== (location.hash || "#")) history.replaceState(null, "", page.list.address());
  if (from !== null) page.list.link(from)?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function openTrace(summary) {
  Object.assign(page, { trace: summary.number, call: null });
  document.body.dataset.view = "trace";
  byId("main").replaceChildren(...kept(showTrace(report, summary)));
  page.list.mark(summary.number);
  // From the list into the trace, unless the reader is choosing.
  if (!document.activeElement?.matches("input, select")) byId("main").focus({ preventScroll: true });
  scrollTo(0, 0);
}

function openCall(number) {
  const call = byId(`call-${number}`);
  if (!call) return;
  page.call = number;
  call.open = true;
  document.querySelectorAll(".call.current").forEach((it) => it.classList.remove("current"));
  call.classList.add("current");
  call.scrollIntoView({ block: "start" });
  call.querySelector("summary").focus({ preventScroll: true });
}

/** The links to the traces beside the open one, after the filters changed. */
function neighbours() {
  const pages = document.querySelector(".pages");
  pages?.replaceChildren(neighbour(page.trace, -1, "← Previous"), neighbour(page.trace, 1, "Next →"));
  page.list.mark(page.trace);
}

const kept = (parts) => parts.filter((part) => part !== null && part !== undefined && part !== false);

/** Go to an address at once: the event that it changed comes later, and by then the next key may be there. */
function go(address) {
  location.hash = address;
  route();
}

function key(event) {
  const at = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  const typing = at.matches("input, select, textarea");
  if (event.key === "Escape") {
    escape(at, typing);
  } else if (typing) {
    if (at === byId("search") && (event.key === "ArrowDown" || event.key === "Enter")) focusTrace(page.list.shown[0]?.number);
    else return;
  } else if (event.key === "/") {
    document.body.dataset.view = page.trace === null ? "run" : "trace";
    if (page.trace !== null && !byId("side").offsetParent) go("");
    byId("search").focus();
    byId("search").select();
  } else if (event.key === "?") {
    byId("keys").showModal();
  } else if (event.key === "x" && page.trace !== null) {
    foldAll();
  } else if (["j", "k", "ArrowDown", "ArrowUp"].includes(event.key)) {
    // The arrows scroll what is scrolled by them.
    if (event.key.startsWith("Arrow") && at.matches("pre, .scroll")) return;
    move(at, event.key === "j" || event.key === "ArrowDown" ? 1 : -1);
  } else if (["ArrowLeft", "ArrowRight"].includes(event.key) && page.trace !== null && !at.matches("pre, .scroll")) {
    const other = page.list.beside(page.trace, event.key === "ArrowRight" ? 1 : -1);
    if (other !== undefined) go(`#trace/${other}`);
  } else {
    return;
  }
  event.preventDefault();
}

function escape(at, typing) {
  if (typing) {
    if (at === byId("search") && at.value) page.list.apply({ ...page.list.set, q: "" });
    at.blur();
  } else if (page.trace !== null) {
    go(page.list.address());
  } else {
    page.list.apply({});
  }
}

/** In the list, from trace to trace; in a trace, from call to call. */
function move(at, step) {
  const link = at.closest("#list a");
  if (link || page.trace === null) {
    focusTrace(link ? page.list.beside(Number(link.dataset.trace), step) : page.list.shown[0]?.number);
    return;
  }
  const calls = page.list.summaries[page.trace - 1].trace.replay.calls;
  const here = calls.findIndex((it) => it.call === page.call);
  const next = calls[here < 0 ? (step > 0 ? 0 : calls.length - 1) : here + step];
  if (next) go(`#trace/${page.trace}/call/${next.call}`);
}

function focusTrace(number) {
  if (number === undefined) return;
  const at = page.list.shown.findIndex((it) => it.number === number);
  if (at >= page.list.rows) page.list.grow(at + SLICE);
  page.list.link(number)?.focus();
}

/** As the system has it, until the reader chooses. A page from a file may not remember. */
function themes() {
  const names = ["system", "light", "dark"];
  const remembered = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const show = (name) => {
    document.documentElement.dataset.theme = name;
    byId("theme").textContent = { system: "◐ System", light: "☀ Light", dark: "☾ Dark" }[name];
    byId("theme").title = `Colours: ${name}. Choose the next.`;
  };
  byId("theme").addEventListener("click", () => {
    const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
    show(next);
    try {
      localStorage.setItem("theme", next);
    } catch {
      // Then it lasts as long as the page is open.
    }
  });
  show(names.includes(remembered()) ? remembered() : "system");
}

start();
