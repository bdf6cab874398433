// The page of `meshwasm run --watch`. All that comes from outside is put in as text, never as markup.

const KEPT = 200;
const LINES_KEPT = 500;

/** @type {Map<string, any>} */
const requests = new Map();
let selected = "";

const byId = (id) => document.getElementById(id);

/** An element with a class and children: elements, or text. */
function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function showState({ name, proxy, digest, reloads, problem }) {
  document.title = `${problem ? "✗ " : ""}${name} – meshwasm run`;
  byId("name").textContent = name;
  byId("state").textContent =
    `${proxy} · module ${digest.replace("sha256:", "").slice(0, 12)} · ${reloads} ${reloads === 1 ? "reload" : "reloads"}`;
  byId("problem").hidden = problem === null;
  byId("problem").textContent = problem ?? "";
}

function addRequest(request) {
  requests.set(request.id, request);
  byId("none").hidden = true;
  byId("requests").hidden = false;
  const open = element("button", "", `${request.method} ${request.path}`);
  open.type = "button";
  open.addEventListener("click", () => select(request.id));
  const status = element("td", `status s${Math.floor(request.status / 100)}`, String(request.status || "none"));
  const row = element(
    "tr",
    "",
    element("td", "", new Date(request.started).toLocaleTimeString()),
    element("td", "", open),
    status,
    element("td", "", request.by),
    element("td", "", String(request.milliseconds)),
  );
  row.dataset.id = request.id;
  const body = byId("requests").tBodies[0];
  body.prepend(row);
  while (body.rows.length > KEPT) {
    const last = body.rows[body.rows.length - 1];
    requests.delete(last.dataset.id);
    last.remove();
  }
}

function select(id) {
  const request = requests.get(id);
  if (!request) return;
  selected = id;
  for (const row of byId("requests").tBodies[0].rows) {
    if (row.dataset.id === id) row.setAttribute("aria-selected", "true");
    else row.removeAttribute("aria-selected");
  }
  byId("detail").hidden = false;
  byId("detail-title").textContent = `${request.method} ${request.path}`;
  const why = [request.details, request.flags].filter(Boolean).join(" ");
  byId("passages").replaceChildren(
    ...passage("Request", request.request, "from the client", request.by === "filter" ? null : "to the upstream"),
    ...(request.response
      ? passage("Answer", request.response, request.by === "filter" ? null : "from the upstream", "to the client")
      : []),
    ...(why ? [element("p", "why", why)] : []),
  );
}

/** The message on both sides of the filter; a side of null is not there. */
function passage(title, { lines, trailers, before, after }, from, to) {
  const side = (heading, without, body) =>
    element(
      "div",
      "side",
      element("h4", "", heading),
      element("ul", "lines", ...[...lines, ...trailers].filter((line) => line.change !== without).map(lineItem)),
      ...(body?.size ? [element("p", "size", `${body.size} bytes`), element("pre", "body", body.text)] : []),
    );
  const sides = element("div", "sides");
  if (from) sides.append(side(from, "added", before));
  if (to) sides.append(side(to, "removed", after));
  return [element("h3", "", title), sides];
}

function lineItem({ name, value, change }) {
  return element("li", change, element("span", "field", name), ": ", value);
}

function addLine({ level, message }) {
  const list = byId("log");
  const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
  list.append(element("li", level, element("span", "level", level), " ", message));
  while (list.children.length > LINES_KEPT) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function reset() {
  requests.clear();
  byId("requests").tBodies[0].replaceChildren();
  byId("log").replaceChildren();
}

const events = new EventSource("/events");
events.addEventListener("reset", () => {
  document.body.classList.remove("gone");
  reset();
});
events.addEventListener("message", ({ data }) => {
  const event = JSON.parse(data);
  if (event.type === "state") showState(event.state);
  else if (event.type === "log") addLine(event);
  else {
    addRequest(event.request);
    if (event.request.id === selected) select(selected);
  }
});
events.addEventListener("error", () => {
  document.body.classList.add("gone");
  byId("state").textContent = "meshwasm run has ended";
});
