/** The page: joins its parts, and shows what the chosen view needs. */

import { onTokenNeeded, request } from "./api.js"
import { offerCamera } from "./camera.js"
import { current } from "./current.js"
import { showFaces } from "./faces.js"
import { onLegend, showClasses, ticked } from "./legend.js"
import { labels, open } from "./opening.js"
import { cutoutQuery, hideResult, limitCutout, showColours, showCutout } from "./results.js"
import { allowEdited, offerDownloads } from "./saves.js"
import { onPicture } from "./sources.js"
import { fail, run, say, stop } from "./tasks.js"
import { buildTints, limitTints } from "./tints.js"
import { askForToken } from "./token.js"
import * as viewer from "./viewer.js"

const PAUSE = 250 // ms without a change, after which a new result is asked for

const main = document.getElementById("main")
const keep = document.getElementById("keep")
let timer = 0

function view() {
  return document.querySelector("[name=mode]:checked").value
}

function show() {
  clearTimeout(timer)
  if (main.dataset.mode !== view()) hideResult()
  main.dataset.mode = view()
  main.classList.toggle("ticked", view() === "cutout" && keep.value === "*")
  if (!current.parsing) return
  if (view() === "cutout") showCutout()
  if (view() === "colours") showColours()
}

function later(wanted, action) {
  clearTimeout(timer)
  timer = setTimeout(() => current.parsing && view() === wanted && action(), PAUSE)
}

function take(file) {
  stop()
  say("")
  allowEdited(false)
  open(file, () => {
    const { parsing } = current
    showClasses(parsing)
    showFaces(parsing, (chosen) => viewer.drawBoxes(parsing.faces, chosen))
    viewer.drawBoxes(parsing.faces, -1)
    viewer.paint(ticked)
    limitCutout(parsing)
    limitTints(parsing)
    show()
  })
}

function slider(id, words, action) {
  const input = document.getElementById(id)
  const update = () => {
    const text = words(Number(input.value))
    document.querySelector(`output[for=${id}]`).textContent = text
    input.setAttribute("aria-valuetext", text)
    action(Number(input.value))
  }
  input.addEventListener("input", update)
  update()
}

onTokenNeeded(askForToken)
onPicture(take, fail)
offerCamera(take, fail)
offerDownloads(() => ({ ...current, alpha: document.getElementById("opacity").value / 100, cutout: cutoutQuery() }))
buildTints(() => later("colours", showColours))
onLegend(
  () => (view() === "cutout" ? later("cutout", showCutout) : viewer.paint(ticked)),
  (label) => view() === "classes" && viewer.paint(ticked, label),
)
slider("opacity", (value) => `${value} %`, (value) => viewer.setOpacity(value / 100))
slider("feather", (value) => `${value} px`, () => later("cutout", showCutout))
slider("compare", (value) => (value ? `${value} % before` : "all after"), (value) => viewer.compare(value / 100))
for (const input of document.querySelectorAll("#keep, [name=mode]")) input.addEventListener("change", show)
show()
run("start", "Asking the server for its model …", async (signal) => {
  await labels(signal)
  const [{ title, licence }] = await (await request("v1/models", { signal })).json()
  document.getElementById("model").textContent = `${title}. ${licence.terms}`
})
