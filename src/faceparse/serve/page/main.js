/** The page: a picture comes in, the server parses it, the views show it. */

import { onTokenNeeded, request } from "./api.js"
import { offerCamera } from "./camera.js"
import { showFaces } from "./faces.js"
import { onLegend, showClasses, ticked } from "./legend.js"
import { Parsing } from "./parsing.js"
import { allowEdited, offerDownloads } from "./saves.js"
import { onPicture } from "./sources.js"
import { fail, run, say, stop } from "./tasks.js"
import { buildTints, edits, limitTints } from "./tints.js"
import { askForToken } from "./token.js"
import * as viewer from "./viewer.js"

const PAUSE = 250 // ms without a change, after which a new result is asked for

const main = document.getElementById("main")
const [opacity, compare, feather] = ["opacity", "compare", "feather"].map((id) => document.getElementById(id))
const keep = document.getElementById("keep")

let file = null, stem = "", record = null, parsing = null, edited = null
let schemes = null
let readable = true // by the browser, and the same way up as the server has it
let timer = 0
const addresses = {} // of blobs that are shown

// ---- a picture

function open(next) {
  stop()
  clearTimeout(timer)
  file = next
  stem = file.name.replace(/\.[^.]*$/, "") || "picture"
  parsing = edited = null
  allowEdited(false)
  main.dataset.state = "waiting"
  run("parse", "Labelling the picture …", parse)
}

async function parse(signal) {
  const shown = await viewer.showPicture(address("picture", file))
  signal.throwIfAborted()
  main.dataset.state = shown ? "waiting" : "empty"
  schemes ??= await ask("v1/labels", signal)
  const answer = await request("v1/parse", { body: file, accept: "application/json", signal })
  record = await answer.blob()
  parsing = new Parsing(JSON.parse(await record.text()), schemes)
  signal.throwIfAborted()
  viewer.showParsing(parsing, file.name)
  readable = shown && file.type !== "image/gif" && viewer.fits()
  if (!readable) await showServersOwn(signal)
  showClasses(parsing)
  showFaces(parsing, (chosen) => viewer.drawBoxes(parsing.faces, chosen))
  viewer.drawBoxes(parsing.faces, -1)
  limitTints(parsing)
  viewer.paint(ticked)
  main.dataset.state = "ready"
  const faces = parsing.faces.length
  say(`${parsing.width} × ${parsing.height} px, ${faces || "no"} ${faces === 1 ? "face" : "faces"}, ${parsing.shown.length} classes`)
  show()
}

/** Show the picture as the server reads it, where the browser cannot, moves it, or turns it another way. */
async function showServersOwn(signal) {
  const answer = await request("v1/parse", { query: [["save", "overlay"], ["alpha", 0]], body: file, signal })
  const value = parsing
  await viewer.showPicture(address("picture", await answer.blob()))
  signal.throwIfAborted()
  viewer.showParsing(value, file.name)
}

async function ask(path, signal) {
  return (await request(path, { signal })).json()
}

function address(kind, blob) {
  if (addresses[kind]) URL.revokeObjectURL(addresses[kind])
  addresses[kind] = URL.createObjectURL(blob)
  return addresses[kind]
}

// ---- views

function mode() {
  return document.querySelector("[name=mode]:checked").value
}

function show() {
  main.dataset.mode = mode()
  main.classList.toggle("ticked", mode() === "cutout" && keep.value === "*")
  if (!parsing) return
  clearTimeout(timer)
  stop("result")
  viewer.showResult(null)
  if (mode() === "cutout") showCutout()
  if (mode() === "colours") showColours()
}

function cutoutQuery() {
  const names = parsing.shown.filter(({ label }) => ticked.has(label)).map(({ name }) => name)
  const classes = keep.value === "*" ? names.join() : keep.value
  return [...(classes ? [["classes", classes]] : []), ...(feather.value > 0 ? [["feather", feather.value]] : [])]
}

function showCutout() {
  if (keep.value === "*" && !ticked.size) {
    fail("Tick a class to keep.")
    return
  }
  viewer.compare(0)
  run("result", "Cutting out …", async (signal) => {
    const query = [["save", "cutout"], ...cutoutQuery()]
    const answer = await request("v1/parse", { query, body: file, signal })
    const blob = await answer.blob()
    signal.throwIfAborted()
    await viewer.showResult(address("result", blob))
  })
}

function showColours() {
  const wanted = edits()
  edited = null
  allowEdited(false)
  if (!wanted.length) {
    stop("result")
    viewer.showResult(null)
    return
  }
  run("result", "Colouring …", async (signal) => {
    const accept = readable ? "*/*" : "image/png"
    const answer = await request("v1/edit", { query: wanted.map((edit) => ["edit", edit]), body: file, accept, signal })
    const blob = await answer.blob()
    signal.throwIfAborted()
    edited = blob
    viewer.compare(compare.value / 100)
    await viewer.showResult(address("result", blob))
    allowEdited(true)
  })
}

function later(wanted, action) {
  clearTimeout(timer)
  timer = setTimeout(() => parsing && mode() === wanted && action(), PAUSE)
}

// ---- controls

function slider(input, words, action) {
  const update = () => {
    document.querySelector(`output[for=${input.id}]`).textContent = words(Number(input.value))
    input.setAttribute("aria-valuetext", words(Number(input.value)))
    action(Number(input.value))
  }
  input.addEventListener("input", update)
  update()
}

function start() {
  onTokenNeeded(askForToken)
  onPicture(open, fail)
  offerCamera(open, fail)
  buildTints(() => later("colours", showColours))
  offerDownloads(() => ({ file, stem, record, edited, alpha: opacity.value / 100, cutout: cutoutQuery() }))
  onLegend(
    () => (mode() === "cutout" ? later("cutout", showCutout) : viewer.paint(ticked)),
    (label) => mode() === "classes" && viewer.paint(ticked, label),
  )
  slider(opacity, (value) => `${value} %`, (value) => viewer.setOpacity(value / 100))
  slider(feather, (value) => `${value} px`, () => later("cutout", showCutout))
  slider(compare, (value) => (value ? `${value} % before` : "all after"), (value) => viewer.compare(value / 100))
  keep.addEventListener("change", show)
  for (const input of document.querySelectorAll("[name=mode]")) input.addEventListener("change", show)
  show()
  run("start", "Asking the server for its model …", async (signal) => {
    schemes = await ask("v1/labels", signal)
    const [{ title, licence }] = await ask("v1/models", signal)
    document.getElementById("model").textContent = `${title}. ${licence.terms}`
  })
}

start()
