/** A picture comes in: the browser shows it, the server parses it. */

import { request } from "./api.js"
import { address, current } from "./current.js"
import { Parsing } from "./parsing.js"
import { run, say } from "./tasks.js"
import * as viewer from "./viewer.js"

const main = document.getElementById("main")

let schemes = null

/** Return the server's answer to v1/labels, asked for once. */
export async function labels(signal) {
  schemes ??= await (await request("v1/labels", { signal })).json()
  return schemes
}

/** Show and parse a picture's file, in place of the one before; then call `ready()`. */
export function open(file, ready) {
  Object.assign(current, { file, stem: file.name.replace(/\.[^.]*$/, "") || "picture", parsing: null, edited: null })
  main.dataset.state = "waiting"
  return run("parse", "Labelling the picture …", (signal) => parse(signal, ready))
}

async function parse(signal, ready) {
  const { file } = current
  const shown = await viewer.showPicture(address("picture", file))
  signal.throwIfAborted()
  main.dataset.state = shown ? "waiting" : "empty"
  const known = await labels(signal)
  const answer = await request("v1/parse", { body: file, accept: "application/json", signal })
  const record = await answer.blob()
  const parsing = new Parsing(JSON.parse(await record.text()), known)
  signal.throwIfAborted()
  const readable = shown && file.type !== "image/gif" && viewer.fits(parsing)
  if (!readable) await showServersOwn(file, signal)
  Object.assign(current, { record, parsing, readable })
  viewer.showParsing(parsing, file.name)
  main.dataset.state = "ready"
  const faces = parsing.faces.length
  const count = faces ? `${faces} ${faces === 1 ? "face" : "faces"}` : "no face"
  say(`${parsing.width} × ${parsing.height} px, ${count}, ${parsing.shown.length} classes`)
  ready()
}

/** Show the picture as the server reads it: the browser cannot, or turns it another way, or moves it. */
async function showServersOwn(file, signal) {
  const answer = await request("v1/parse", { query: [["save", "overlay"], ["alpha", 0]], body: file, signal })
  await viewer.showPicture(address("picture", await answer.blob()))
  signal.throwIfAborted()
}
