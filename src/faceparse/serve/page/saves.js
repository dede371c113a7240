/** Downloads: each form as the server writes it. */

import { request } from "./api.js"
import { run } from "./tasks.js"

const place = document.getElementById("downloads")

const FORMS = {
  mask: { ending: "_mask.png", query: () => [["save", "mask"]] },
  overlay: { ending: "_overlay.jpg", query: ({ alpha }) => [["save", "overlay"], ["alpha", alpha]] },
  cutout: { ending: "_cutout.png", query: ({ cutout }) => [["save", "cutout"], ...cutout] },
  zip: {
    ending: ".zip",
    query: ({ alpha, cutout }) => [["save", "mask,overlay,cutout,json"], ["alpha", alpha], ...cutout],
  },
}
const SUFFIXES = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/tiff": "tif", "image/bmp": "bmp" }

/** Let the buttons save; `current()` returns the picture at hand, the overlay's opacity, the cut-out's query. */
export function offerDownloads(current) {
  place.addEventListener("click", (event) => {
    const form = event.target.closest("button")?.dataset.save
    if (!form) return
    const now = current()
    if (form === "json") save(now.record, `${now.stem}_parsing.json`)
    else if (form === "edit") save(now.edited, `${now.stem}_edit.${SUFFIXES[now.edited.type]}`)
    else run("save", "Preparing the download …", (signal) => fetchForm(FORMS[form], now, signal))
  })
}

/** Say whether there is an edited picture to save. */
export function allowEdited(allowed) {
  place.querySelector("[data-save=edit]").disabled = !allowed
}

async function fetchForm({ ending, query }, now, signal) {
  const answer = await request("v1/parse", { query: query(now), body: now.file, signal })
  save(await answer.blob(), now.stem + ending)
}

function save(blob, name) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000) // the browser may still ask where to
}
