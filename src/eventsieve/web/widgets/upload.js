// Sends chosen or dropped files to the relay, one after another and past Streamlit, and says how each of them ended.
const sendings = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const find = (selector) => parentElement.querySelector(selector);
  const [zone, file, running, bar] = [find(".zone"), find(".file"), find(".running"), find("progress")];
  const texts = data.texts;
  find(".choose").textContent = texts.choose;
  find(".hint").textContent = texts.hint;
  find(".cancel").textContent = texts.cancel;
  bar.setAttribute("aria-label", texts.progress);
  const bytes = (number) => sized(number, data.language);
  const speak = (text) => {
    find(".told").textContent = text;
    find(".spoken").textContent = text;
  };

  // What opens on the page is drawn behind all else, where the Tab key would come last: who opens it stands in it.
  if (document.activeElement?.getAttribute("aria-expanded") === "true") file.focus({ preventScroll: true });

  const sendOne = (chosen) =>
    new Promise((resolve) => {
      const address = new URL(data.path, document.baseURI);
      address.search = new URLSearchParams([["filename", chosen.name], ...data.query]);
      const request = new XMLHttpRequest();
      const started = performance.now();
      let spoken = started;
      const ended = (status, body) => resolve({ file: chosen.name, status, body: body.slice(0, 65536) });
      sendings.set(parentElement, request);
      find(".name").textContent = chosen.name;
      bar.value = 0;
      speak(texts.sending);
      request.upload.onprogress = ({ loaded, total }) => {
        const now = performance.now();
        const speed = bytes((1000 * loaded) / Math.max(now - started, 1));
        bar.value = total ? loaded / total : 0;
        find(".told").textContent = fill(texts.sent, { sent: bytes(loaded), total: bytes(total), speed });
        if (now - spoken > 5000) {
          spoken = now;
          find(".spoken").textContent = `${Math.round(100 * bar.value)} %`;
        }
      };
      request.upload.onload = () => {
        bar.removeAttribute("value");
        speak(texts.reading);
      };
      // Of a data set its id is enough: the page asks the server itself.
      request.onload = () => ended(request.status, request.status < 300 ? idOf(request) : request.responseText);
      request.onerror = () => ended(0, "");
      request.onabort = () => resolve(null);
      request.open("PUT", address);
      request.setRequestHeader("X-Eventsieve-Upload", "1");
      request.send(chosen);
    });

  const send = async (files) => {
    if (!files.length || sendings.has(parentElement)) return;
    const outcomes = [];
    zone.hidden = true;
    running.hidden = false;
    for (const each of files) {
      const outcome = await sendOne(each);
      if (outcome === null) break;
      outcomes.push(outcome);
    }
    sendings.delete(parentElement);
    zone.hidden = false;
    running.hidden = true;
    file.value = "";
    find(".spoken").textContent = outcomes.length < files.length ? texts.cancelled : texts.done;
    if (outcomes.length) setTriggerValue("outcomes", outcomes);
  };

  file.onchange = () => send([...file.files]);
  find(".cancel").onclick = () => sendings.get(parentElement)?.abort();
  zone.ondragover = (event) => {
    event.preventDefault();
    zone.classList.add("over");
  };
  zone.ondragleave = () => zone.classList.remove("over");
  zone.ondrop = (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    send([...event.dataTransfer.files]);
  };
}

function idOf(request) {
  try {
    return JSON.parse(request.responseText).id;
  } catch {
    return "";
  }
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function sized(number, language) {
  const power = Math.min(Math.floor(Math.log10(Math.max(number, 1)) / 3), 4);
  const unit = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"][power];
  const style = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: power ? 1 : 0 };
  return new Intl.NumberFormat(language, style).format(number / 1000 ** power);
}
