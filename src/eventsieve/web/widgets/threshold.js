// A cut on the score that is dragged over its curves. Nothing here moves by itself, so there is no motion to reduce;
// every word comes with the data and is set as text.

const SVG = "http://www.w3.org/2000/svg"
const LEFT = 44
const RIGHT = 12
const PANEL = 150
const GAP = 30
const BOTTOM = 44
const TOP = 22
const PAGE = 10
const CALM = 250 // milliseconds after the last key until the cut is sent: each run of the page costs
const DASH = { signal: "", background: "7 4", purity: "2 3" }
const instances = new WeakMap()

export default function (component) {
  const { parentElement, data, setStateValue } = component
  let instance = instances.get(parentElement)
  if (!instance) {
    instance = new Threshold(parentElement)
    instances.set(parentElement, instance)
  }
  instance.update(data, setStateValue)
  return () => {
    instance.end()
    instances.delete(parentElement)
  }
}

class Threshold {
  constructor(parent) {
    this.root = element("div", "threshold")
    this.numbers = element("dl", "numbers")
    this.svg = drawn("svg", {})
    this.buttons = element("div", "buttons")
    this.root.append(this.numbers, this.svg, this.buttons)
    parent.append(this.root)
    this.before = null // the cut when a drag began; null while none is under way
    this.unsent = false
    this.sent = null // until the page has answered
    this.observer = new ResizeObserver(() => this.draw())
    this.observer.observe(this.root)
    this.svg.onpointerdown = (event) => this.grab(event)
    this.svg.onpointermove = (event) => this.drag(event)
    this.svg.onpointerup = (event) => this.release(event)
    this.svg.onpointercancel = () => this.cancel()
  }

  end() {
    clearTimeout(this.timer)
    this.observer.disconnect()
    this.root.remove()
  }

  update(data, send) {
    this.data = data
    this.send = send
    // A run of the page that began before the last cut was sent still tells of an earlier one.
    if (data.cut === this.sent) this.sent = null
    if (this.before === null && !this.unsent && this.sent === null) this.cut = data.cut
    this.formats = formats(data.language)
    const cuts = data.curves.cut
    const known = [cuts[0], cuts[cuts.length - 1], data.own, data.cut]
    this.low = Math.min(...known)
    this.high = Math.max(...known)
    if (this.high <= this.low) this.high = this.low + 1
    for (const [name, colour] of Object.entries(data.colours))
      this.root.style.setProperty(`--${name}`, colour)
    this.fillButtons()
    this.draw()
  }

  // What is drawn once for each width.

  draw() {
    const width = this.root.clientWidth
    if (!this.data || width < 50) return
    this.width = width
    const { ams, texts } = this.data
    const panels = ams ? 2 : 1
    const height = TOP + panels * PANEL + (panels - 1) * GAP + BOTTOM
    const focused = this.handle && this.handle.matches(":focus")
    this.svg.replaceChildren()
    set(this.svg, { viewBox: `0 0 ${width} ${height}`, height, role: "group" })
    this.svg.setAttribute("aria-label", ams ? texts.chart : texts.chartWithout)
    this.bottom = height - BOTTOM
    if (ams) this.drawAms(TOP)
    this.drawFractions(TOP + (panels - 1) * (PANEL + GAP))
    this.drawAxis()
    this.drawHandle()
    this.show()
    if (focused) this.handle.focus()
  }

  drawAms(top) {
    const { ams, texts } = this.data
    const ceiling = 1.08 * ams.top
    const y = (value) => top + PANEL * (1 - value / ceiling)
    this.frame(top, ticks(0, ceiling, 4), y, texts.ams)
    if (ams.error) {
      const up = ams.cut.map((cut, at) => [this.x(cut), y(ams.value[at] + ams.error[at])])
      const down = ams.cut.map((cut, at) => [this.x(cut), y(Math.max(ams.value[at] - ams.error[at], 0))])
      const band = { d: `${path([...up, ...down.reverse()])}Z`, class: "band", fill: "var(--ams)" }
      this.svg.append(drawn("path", band))
    }
    const line = ams.cut.map((cut, at) => [this.x(cut), y(ams.value[at])])
    this.svg.append(drawn("path", { d: path(line), class: "curve", stroke: "var(--ams)" }))
    const best = interpolated(ams.cut, ams.value, ams.best, null)
    if (best !== null) this.svg.append(drawn("circle", { cx: this.x(ams.best), cy: y(best), r: 4, fill: "var(--ams)" }))
  }

  drawFractions(top) {
    const { curves, texts } = this.data
    const y = (value) => top + PANEL * (1 - value)
    this.frame(top, [0, 0.25, 0.5, 0.75, 1], y, texts.fraction)
    for (const [name, colour] of [["signal", "signal"], ["background", "background"], ["purity", "ams"]]) {
      const line = curves.cut.map((cut, at) => (curves[name][at] === null ? null : [this.x(cut), y(curves[name][at])]))
      const look = { class: "curve", stroke: `var(--${colour})`, "stroke-dasharray": DASH[name] }
      this.svg.append(drawn("path", { d: path(line), ...look }))
    }
  }

  frame(top, values, y, title) {
    for (const value of values) {
      this.svg.append(drawn("line", { class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: y(value), y2: y(value) }))
      const label = drawn("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" })
      label.textContent = this.formats.tick.format(value)
      this.svg.append(label)
    }
    const name = drawn("text", { x: LEFT, y: top - 6 })
    name.textContent = title
    this.svg.append(name)
  }

  drawAxis() {
    for (const value of ticks(this.low, this.high, Math.max(5, Math.min(12, Math.floor(this.width / 70))))) {
      const label = drawn("text", { x: this.x(value), y: this.bottom + 26, "text-anchor": "middle" })
      label.textContent = this.formats.tick.format(value)
      this.svg.append(label)
    }
    const title = drawn("text", { x: (LEFT + this.width - RIGHT) / 2, y: this.bottom + 42, "text-anchor": "middle" })
    title.textContent = this.data.texts.axis
    this.svg.append(title)
  }

  drawHandle() {
    this.handle = drawn("g", { class: "handle", role: "slider", tabindex: "0", "aria-orientation": "horizontal" })
    this.handle.setAttribute("aria-label", this.data.texts.slider)
    this.handle.setAttribute("aria-valuemin", this.low)
    this.handle.setAttribute("aria-valuemax", this.high)
    this.handle.append(
      drawn("line", { x1: 0, x2: 0, y1: TOP - 4, y2: this.bottom }),
      drawn("rect", { x: -7, y: this.bottom - 2, width: 14, height: 14, rx: 3 }),
    )
    this.handle.onkeydown = (event) => this.key(event)
    this.handle.onkeyup = () => this.settleSoon()
    this.handle.onblur = () => this.settle()
    this.svg.append(this.handle)
  }

  fillButtons() {
    const { ams, own, texts } = this.data
    const known = [[texts.best, ams && ams.best], [texts.own, own]].filter(([, cut]) => cut !== null)
    this.buttons.replaceChildren(
      ...known.map(([text, cut]) => {
        const button = element("button")
        button.type = "button"
        button.textContent = `${text}: ${this.formats.cut.format(cut)}`
        button.onclick = () => {
          this.move(cut)
          this.settle()
        }
        return button
      }),
    )
  }

  // What changes with the cut.

  show() {
    set(this.handle, { transform: `translate(${this.x(this.cut)} 0)`, "aria-valuenow": this.cut })
    const { curves, ams, texts } = this.data
    const at = (values) => interpolated(curves.cut, values, this.cut, values[values.length - 1])
    const exact = curves.cut.includes(this.cut) ? "" : "\u2248 "
    const count = (values) => {
      const part = exact + this.formats.count.format(Math.round(at(values)))
      const all = this.formats.count.format(Math.max(...values))
      return texts.of.replace("{part}", part).replace("{all}", all)
    }
    const rows = [[texts.cut, this.formats.cut.format(this.cut), null, null]]
    if (ams) rows.push([texts.ams, this.significance(ams), "ams", "solid"])
    rows.push(
      [texts.signalEvents, count(curves.signalEvents), null, null],
      [texts.backgroundEvents, count(curves.backgroundEvents), null, null],
    )
    const signal = at(curves.signal)
    const background = at(curves.background)
    if (ams && ams.signalSum !== null)
      rows.push(
        [texts.signalExpected, this.formats.expected.format(signal * ams.signalSum), null, null],
        [texts.backgroundExpected, this.formats.expected.format(background * ams.backgroundSum), null, null],
      )
    rows.push(
      [texts.signal, this.formats.percent.format(signal), "signal", "solid"],
      [texts.background, this.formats.percent.format(background), "background", "dashed"],
      [texts.purity, this.fraction(at(curves.purity)), "ams", "dotted"],
    )
    this.fillNumbers(rows)
    const spoken = rows.slice(0, 4).map(([name, value]) => `${name} ${value}`)
    this.handle.setAttribute("aria-valuetext", spoken.join(", "))
  }

  significance(ams) {
    const value = interpolated(ams.cut, ams.value, this.cut, null)
    if (value === null) return "\u2013"
    const error = ams.error ? interpolated(ams.cut, ams.error, this.cut, null) : null
    const text = this.formats.ams.format(value)
    return error === null ? text : `${text} \u00b1 ${this.formats.ams.format(error)}`
  }

  fraction(value) {
    return value === null ? "\u2013" : this.formats.percent.format(value)
  }

  fillNumbers(rows) {
    this.numbers.replaceChildren(
      ...rows.map(([name, value, colour, line]) => {
        const item = element("div")
        const term = element("dt", colour ? "" : "bare")
        term.textContent = name
        if (colour) {
          term.style.setProperty("--colour", `var(--${colour})`)
          term.style.setProperty("--line", line)
        }
        const number = element("dd")
        number.textContent = value
        item.append(term, number)
        return item
      }),
    )
  }

  // How it is moved.

  grab(event) {
    if (event.button !== 0 || this.before !== null) return
    this.before = this.cut
    this.svg.setPointerCapture(event.pointerId)
    this.handle.focus({ preventScroll: true })
    // A finger may be about to scroll; it moves the line when it moves sideways, or is lifted.
    if (event.pointerType !== "touch") this.follow(event)
    event.preventDefault()
  }

  drag(event) {
    if (this.before !== null) this.follow(event)
  }

  release(event) {
    if (this.before === null) return
    this.follow(event)
    this.before = null
    this.settle()
  }

  cancel() {
    if (this.before === null) return
    this.move(this.before)
    this.before = null
    this.unsent = false
  }

  follow(event) {
    const box = this.svg.getBoundingClientRect()
    const share = (event.clientX - box.left - LEFT) / (this.width - LEFT - RIGHT)
    const wanted = this.low + Math.min(Math.max(share, 0), 1) * (this.high - this.low)
    this.move(this.data.curves.cut[nearest(this.data.curves.cut, wanted)])
  }

  key(event) {
    const cuts = this.data.curves.cut
    const at = nearest(cuts, this.cut)
    const up = cuts[at] > this.cut ? at : at + 1
    const down = cuts[at] < this.cut ? at : at - 1
    const steps = {
      ArrowRight: up,
      ArrowUp: up,
      ArrowLeft: down,
      ArrowDown: down,
      PageUp: at + PAGE,
      PageDown: at - PAGE,
      Home: 0,
      End: cuts.length - 1,
    }
    if (!(event.key in steps)) return
    event.preventDefault()
    this.move(cuts[Math.min(Math.max(steps[event.key], 0), cuts.length - 1)])
  }

  move(cut) {
    if (cut === this.cut) return
    this.cut = cut
    this.unsent = true
    this.show()
  }

  settleSoon() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.settle(), CALM)
  }

  settle() {
    clearTimeout(this.timer)
    if (!this.unsent || this.before !== null) return
    this.unsent = false
    if (this.cut === this.data.cut && this.sent === null) return
    this.sent = this.cut
    this.send("cut", this.cut)
  }

  x(cut) {
    return LEFT + ((cut - this.low) / (this.high - this.low)) * (this.width - LEFT - RIGHT)
  }
}

function formats(language) {
  const format = (options) => new Intl.NumberFormat(language, options)
  return {
    cut: format({ maximumSignificantDigits: 4 }),
    ams: format({ minimumFractionDigits: 3, maximumFractionDigits: 3 }),
    count: format({ maximumFractionDigits: 0 }),
    expected: format({ maximumSignificantDigits: 5 }),
    percent: format({ style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 }),
    tick: format({ maximumSignificantDigits: 4 }),
  }
}

// A value between those at the two cuts beside it; none where one of them has none. Below the lowest cut everything is
// selected still; above the highest is what was said for there.
function interpolated(cuts, values, cut, above) {
  const last = cuts.length - 1
  if (last < 0) return null
  if (cut < cuts[0]) return values[0]
  if (cut > cuts[last]) return above
  let high = 0
  while (cuts[high] < cut) high += 1
  if (cuts[high] === cut) return values[high]
  const [first, second] = [values[high - 1], values[high]]
  if (first === null || second === null) return null
  return first + ((second - first) * (cut - cuts[high - 1])) / (cuts[high] - cuts[high - 1])
}

function nearest(cuts, wanted) {
  let best = 0
  cuts.forEach((cut, at) => {
    if (Math.abs(cut - wanted) < Math.abs(cuts[best] - wanted)) best = at
  })
  return best
}

// About so many round numbers between two.
function ticks(low, high, count) {
  const rough = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((each) => each * power >= rough) ?? 10)
  const found = []
  for (let at = Math.ceil(low / step); at * step <= high * (1 + 1e-12); at += 1) found.push(at * step + 0) // never -0
  return found
}

// A line through points; where one is missing it is broken.
function path(points) {
  let text = ""
  let begun = false
  for (const point of points) {
    if (point) text += `${begun ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`
    begun = point !== null
  }
  return text
}

function element(name, className = "") {
  const made = document.createElement(name)
  if (className) made.className = className
  return made
}

function drawn(name, attributes) {
  return set(document.createElementNS(SVG, name), attributes)
}

function set(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) target.setAttribute(name, value)
  return target
}
