/** The list of classes: each on or off; pointing at one shows where it is. */

const list = document.getElementById("classes")
const sides = document.getElementById("sides")

const SIDES = { subject: "Left is the person’s left.", viewer: "Left is the viewer’s left." }

/** Labels that are ticked. */
export const ticked = new Set()
let boxes = []
let change = () => {}, point = () => {}

/** Call `changed()` when ticks change, `pointed(label)` when a class is pointed at; the label is null after that. */
export function onLegend(changed, pointed) {
  change = changed
  point = pointed
}

/** List the classes of a parsing, all ticked. */
export function showClasses(parsing) {
  ticked.clear()
  boxes = []
  list.replaceChildren(...parsing.shown.map((one) => {
    ticked.add(one.label)
    const row = document.getElementById("class-row").content.cloneNode(true).firstElementChild
    const box = row.querySelector("input")
    const [name, area] = row.querySelectorAll("span")
    name.textContent = one.title
    area.textContent = percent(one.area)
    box.value = one.label
    box.style.setProperty("--colour", `rgb(${one.overlay_colour.join()})`)
    box.addEventListener("change", () => {
      tick(one.label, box.checked)
      change()
    })
    row.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && point(one.label))
    row.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && point(null))
    box.addEventListener("focus", () => box.matches(":focus-visible") && point(one.label))
    box.addEventListener("blur", () => point(null))
    boxes.push(box)
    return row
  }))
  sides.textContent = parsing.shown.some(({ title }) => /^(left|right) /.test(title)) ? SIDES[parsing.leftMeans] ?? "" : ""
}

function tick(label, on) {
  if (on) ticked.add(label)
  else ticked.delete(label)
}

function tickAll(on) {
  for (const box of boxes) {
    box.checked = on
    tick(Number(box.value), on)
  }
  change()
}

function percent(part) {
  const value = 100 * part
  return value < 0.01 ? "< 0.01 %" : `${Number(value.toFixed(value < 1 ? 2 : value < 10 ? 1 : 0))} %`
}

document.getElementById("all").addEventListener("click", () => tickAll(true))
document.getElementById("none").addEventListener("click", () => tickAll(false))
