/** Where pictures come from: a file that is chosen, dropped or pasted. */

const file = document.getElementById("file")

/** Call `take(file)` with each picture, `refuse(words)` where none came. */
export function onPicture(take, refuse) {
  for (const id of ["choose", "start-choose"]) {
    document.getElementById(id).addEventListener("click", () => file.click())
  }
  file.addEventListener("change", () => {
    if (file.files.length) take(file.files[0])
    file.value = "" // the same file may be chosen again
  })
  addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData.files.length) take(clipboardData.files[0])
  })
  let depth = 0 // elements under the pointer: each sends its own events
  const mark = (change) => {
    depth = Math.max(0, depth + change)
    document.body.classList.toggle("dropping", depth > 0)
  }
  addEventListener("dragenter", () => mark(1))
  addEventListener("dragleave", () => mark(-1))
  addEventListener("dragover", (event) => event.preventDefault())
  addEventListener("drop", (event) => {
    event.preventDefault()
    mark(-depth)
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0])
    else refuse("Drop a picture’s file: addresses are not fetched.")
  })
}
