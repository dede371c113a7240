/** What is under way: progress, the words of the state, errors; a newer task of a kind ends the older one. */

const viewer = document.getElementById("viewer")
const progress = document.getElementById("progress")
const status = document.getElementById("status")
const cancel = document.getElementById("cancel")
const error = document.getElementById("error")

const tasks = new Map()
let state = ""

/** Run `job(signal)`; its kind names what it replaces. An error is shown in one line, with a way to try again. */
export async function run(kind, words, job) {
  stop(kind)
  const task = { words, controller: new AbortController() }
  const { signal } = task.controller
  tasks.set(kind, task)
  clearError()
  show()
  try {
    await job(signal)
  } catch (fault) {
    if (!signal.aborted) fail(fault.message, () => run(kind, words, job))
  } finally {
    if (tasks.get(kind) === task) tasks.delete(kind)
    show()
  }
}

/** End the tasks of a kind, or all. */
export function stop(kind) {
  for (const [name, task] of tasks) {
    if (kind && name !== kind) continue
    task.controller.abort()
    tasks.delete(name)
  }
  show()
}

/** Say what the page shows when nothing is under way. */
export function say(words) {
  state = words
  show()
}

/** Show one line of error. */
export function fail(words, again) {
  const line = document.createElement("p")
  line.textContent = words
  error.replaceChildren(line)
  if (again) error.append(button("Try again", again))
  error.append(button("Close", clearError))
}

function clearError() {
  error.replaceChildren()
}

function button(words, action) {
  const one = document.createElement("button")
  one.type = "button"
  one.textContent = words
  one.addEventListener("click", action)
  return one
}

function show() {
  const words = [...tasks.values()].at(-1)?.words
  viewer.setAttribute("aria-busy", String(Boolean(words)))
  progress.hidden = cancel.hidden = !words
  if (status.textContent !== (words ?? state)) status.textContent = words ?? state
}

cancel.addEventListener("click", () => stop())
