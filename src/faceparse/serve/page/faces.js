/** The list of faces; one may be chosen, to be highlighted in the picture. */

import { image } from "./viewer.js"

const THUMB = 96 // px; twice its size on the page

const list = document.getElementById("faces")

/** List the faces of a parsing; `choose(index)` is called with the chosen face, or -1. */
export function showFaces(parsing, choose) {
  let chosen = -1
  const rows = parsing.faces.map((face, index) => {
    const row = document.getElementById("face-row").content.cloneNode(true).firstElementChild
    const button = row.querySelector("button")
    const [title, about, trust] = row.querySelectorAll("b, small")
    const [x0, y0, x1, y1] = face.box.map(Math.round)
    title.textContent = `Face ${index + 1}`
    about.textContent = `${x1 - x0} × ${y1 - y0} px at ${x0}, ${y0}`
    trust.textContent = face.trust === null ? "" : `trust ${Math.round(100 * face.trust)} %`
    draw(row.querySelector("canvas"), face.box, parsing)
    button.addEventListener("click", () => {
      chosen = chosen === index ? -1 : index
      rows.forEach((one, i) => one.querySelector("button").setAttribute("aria-pressed", String(i === chosen)))
      choose(chosen)
    })
    return row
  })
  if (!rows.length) {
    const none = document.createElement("li")
    none.className = "hint"
    none.textContent = "No face was found; the whole picture was labelled."
    rows.push(none)
  }
  list.replaceChildren(...rows)
}

function draw(canvas, [x0, y0, x1, y1], { width }) {
  const scale = image().naturalWidth / width
  const side = 1.25 * Math.max(x1 - x0, y1 - y0)
  const [left, top] = [(x0 + x1 - side) / 2, (y0 + y1 - side) / 2]
  canvas.width = canvas.height = THUMB
  canvas.getContext("2d").drawImage(image(), left * scale, top * scale, side * scale, side * scale, 0, 0, THUMB, THUMB)
}
