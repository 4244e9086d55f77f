// Signs in with what is typed, or with a ticket that the page holds, and signs out. Neither goes through the page: the
// web server beside it answers with a cookie that no script can read.
const PLACE = "eventsieve came from";
const tried = new Set();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  if (data.leave) {
    once(`leave ${data.leave}`, () => send(data.path, {}, data.header, () => location.reload(), setTriggerValue));
    return;
  }
  const find = (selector) => parentElement.querySelector(selector);
  const [form, key, button] = [find("form"), find("input"), find("button")];
  form.hidden = Boolean(data.ticket);
  find(".label").textContent = data.texts.key;
  button.textContent = data.texts.submit;
  if (data.ticket) {
    once(data.ticket, () => send(data.path, { ticket: data.ticket }, data.header, comeBack, setTriggerValue));
    return;
  }
  // Who signs in elsewhere comes back to the first page: this tab knows where he wanted to go.
  sessionStorage.setItem(PLACE, location.pathname + location.search);
  form.onsubmit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    find(".spoken").textContent = data.texts.waiting;
    await send(data.path, { key: key.value }, data.header, () => location.reload(), setTriggerValue);
    button.disabled = false;
    find(".spoken").textContent = "";
    key.select();
  };
}

function once(what, act) {
  if (tried.has(what)) return;
  tried.add(what);
  act();
}

async function send(path, body, header, done, setTriggerValue) {
  const address = new URL(path, document.baseURI);
  const headers = { "Content-Type": "application/json", [header]: "1" };
  try {
    const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.ok) done();
    else setTriggerValue("outcome", { status: answer.status, body: (await answer.text()).slice(0, 65536) });
  } catch {
    setTriggerValue("outcome", { status: 0, body: "" });
  }
}

function comeBack() {
  const place = new URL(sessionStorage.getItem(PLACE) ?? ".", document.baseURI);
  sessionStorage.removeItem(PLACE);
  if (place.origin === location.origin) location.replace(place);
  else location.reload();
}
