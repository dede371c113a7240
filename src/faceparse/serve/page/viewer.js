/** The picture with its overlay, boxes and results; names the class under the pointer or the keyboard's cross. */

const SIDE = 2048 // longest side of the painted overlay, px: larger pictures are shown scaled anyway

const viewer = document.getElementById("viewer")
const stage = document.getElementById("stage")
const picture = document.getElementById("picture")
const result = document.getElementById("result")
const overlay = document.getElementById("overlay")
const boxes = document.getElementById("boxes")
const cross = document.getElementById("cross")
const divider = document.getElementById("divider")
const chip = document.getElementById("chip")
const readout = document.getElementById("readout")

let parsing = null
let point = null // the cross, as fractions of width and height

/** Show a picture without a parsing; returns whether the browser can. */
export async function showPicture(url) {
  clear()
  picture.src = url
  const shown = await picture.decode().then(() => true, () => false)
  stage.hidden = !shown
  if (shown) fit(picture.naturalWidth, picture.naturalHeight)
  return shown
}

/** Show a parsing over its picture; `named` is the picture's file name. */
export function showParsing(value, named) {
  parsing = value
  stage.hidden = false
  stage.setAttribute("aria-label", `Labelled picture ${named}`)
  fit(parsing.width, parsing.height)
  const scale = Math.min(1, SIDE / Math.max(parsing.width, parsing.height))
  overlay.width = Math.max(1, Math.round(parsing.width * scale))
  overlay.height = Math.max(1, Math.round(parsing.height * scale))
}

/** The browser's own image of the picture. */
export function image() {
  return picture
}

/** Whether the browser's image has the size that the server found, and so the same way up. */
export function fits({ width, height }) {
  return picture.naturalWidth === width && picture.naturalHeight === height
}

function fit(width, height) {
  stage.style.setProperty("--ratio", width / height)
}

function clear() {
  parsing = point = null
  chip.hidden = cross.hidden = true
  overlay.width = overlay.height = 0
  boxes.replaceChildren()
  showResult(null)
}

/** Paint the labels in `visible`, a set; `chosen` alone is painted in full if it is a label. */
export function paint(visible, chosen = null) {
  const bytes = new Uint8Array(4 * 256)
  for (const { label, overlay_colour: colour } of parsing.classes) {
    if (label === chosen || visible.has(label)) bytes.set([...colour, chosen === null || label === chosen ? 255 : 50], 4 * label)
  }
  parsing.map.paint(overlay, new Uint32Array(bytes.buffer))
}

/** Set the overlay's opacity, 0 to 1. */
export function setOpacity(value) {
  overlay.style.opacity = value
}

/** Show a result over the picture, by its address; null shows the picture itself. */
export async function showResult(url) {
  if (url) {
    result.src = url
    await result.decode() // fails where another address has come meanwhile
  } else {
    result.removeAttribute("src")
  }
  result.hidden = !url
}

/** Uncover the picture from the left, 0 to 1 of its width. */
export function compare(part) {
  result.style.clipPath = part ? `inset(0 0 0 ${100 * part}%)` : ""
  divider.style.left = `${100 * part}%`
  divider.hidden = part === 0 || part === 1
}

/** Draw the faces' boxes; `chosen` is the index of the highlighted face, or -1. */
export function drawBoxes(faces, chosen) {
  boxes.replaceChildren(...faces.map(({ box: [x0, y0, x1, y1] }, index) => {
    const one = document.createElement("div")
    one.classList.toggle("chosen", index === chosen)
    one.hidden = faces.length === 1 && index !== chosen
    one.textContent = index + 1
    one.style.left = `${100 * x0 / parsing.width}%`
    one.style.top = `${100 * y0 / parsing.height}%`
    one.style.width = `${100 * (x1 - x0) / parsing.width}%`
    one.style.height = `${100 * (y1 - y0) / parsing.height}%`
    return one
  }))
}

function name(across, down) {
  const { overlay_colour: colour, title, face } = parsing.at(across * parsing.width, down * parsing.height)
  const words = face ? `${title} · face ${face}` : title
  const [swatch, text] = chip.children
  swatch.style.backgroundColor = `rgb(${colour.join()})`
  text.textContent = words
  chip.hidden = false
  const [here, around] = [stage.getBoundingClientRect(), viewer.getBoundingClientRect()]
  const x = here.left - around.left + across * here.width
  const y = here.top - around.top + down * here.height
  const left = Math.min(Math.max(x - chip.offsetWidth / 2, 4), around.width - chip.offsetWidth - 4)
  const top = y > chip.offsetHeight + 24 ? y - chip.offsetHeight - 20 : y + 24
  chip.style.transform = `translate(${left}px, ${top}px)`
  return words
}

function follow(event) {
  if (!parsing) return
  const here = stage.getBoundingClientRect()
  const [across, down] = [(event.clientX - here.left) / here.width, (event.clientY - here.top) / here.height]
  if (across < 0 || across >= 1 || down < 0 || down >= 1) return leave()
  cross.hidden = true
  name(across, down)
}

function leave() {
  chip.hidden = cross.hidden = true
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

function move(event) {
  const step = STEPS[event.key]
  if (!parsing || !step || event.ctrlKey || event.altKey || event.metaKey) return
  event.preventDefault()
  const size = (event.shiftKey ? 0.004 : 0.02) * Math.max(parsing.width, parsing.height)
  const sizes = [parsing.width, parsing.height]
  point = (point ?? [0.5, 0.5]).map((value, axis) => Math.min(Math.max(value + step[axis] * size / sizes[axis], 0), 0.9999))
  cross.style.left = `${100 * point[0]}%`
  cross.style.top = `${100 * point[1]}%`
  cross.hidden = false
  readout.textContent = name(...point)
}

stage.addEventListener("pointermove", follow)
stage.addEventListener("pointerdown", follow)
stage.addEventListener("pointerleave", ({ pointerType }) => pointerType === "touch" || leave()) // a finger's name stays
stage.addEventListener("blur", leave)
stage.addEventListener("keydown", move)
