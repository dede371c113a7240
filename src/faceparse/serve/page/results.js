/** What the server makes of the picture: the cut-out, and the picture in new colours. */

import { request } from "./api.js"
import { address, current } from "./current.js"
import { ticked } from "./legend.js"
import { allowEdited } from "./saves.js"
import { fail, run, stop } from "./tasks.js"
import { edits } from "./tints.js"
import * as viewer from "./viewer.js"

const [keep, feather, compare] = ["keep", "feather", "compare"].map((id) => document.getElementById(id))

/** Offer to keep only what a parsing's classes have. */
export function limitCutout(parsing) {
  for (const option of keep.options) {
    option.disabled = option.value !== "*" && !option.value.split(",").every((name) => !name || parsing.has(name))
    if (option.disabled && option.selected) keep.value = ""
  }
}

/** Return the query of the cut-out as the controls have it. */
export function cutoutQuery() {
  const names = current.parsing.shown.filter(({ label }) => ticked.has(label)).map(({ name }) => name)
  const classes = keep.value === "*" ? names.join() : keep.value
  return [...(classes ? [["classes", classes]] : []), ...(feather.value > 0 ? [["feather", feather.value]] : [])]
}

/** Show the cut-out. */
export function showCutout() {
  if (keep.value === "*" && !ticked.size) return fail("Tick a class to keep.")
  return run("result", "Cutting out …", async (signal) => {
    const query = [["save", "cutout"], ...cutoutQuery()]
    const answer = await request("v1/parse", { query, body: current.file, signal })
    const blob = await answer.blob()
    signal.throwIfAborted()
    viewer.compare(0)
    await viewer.showResult(address("result", blob))
  })
}

/** Show the picture in the new colours, if any are on. */
export function showColours() {
  const wanted = edits()
  current.edited = null
  allowEdited(false)
  if (!wanted.length) return hideResult()
  return run("result", "Colouring …", async (signal) => {
    const accept = current.readable ? "*/*" : "image/png"
    const query = wanted.map((edit) => ["edit", edit])
    const answer = await request("v1/edit", { query, body: current.file, accept, signal })
    const blob = await answer.blob()
    signal.throwIfAborted()
    current.edited = blob
    viewer.compare(compare.value / 100)
    await viewer.showResult(address("result", blob))
    allowEdited(true)
  })
}

/** Show the picture itself again. */
export function hideResult() {
  stop("result")
  viewer.showResult(null)
}
