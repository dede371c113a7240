/** The dialog that asks for the server's token. */

const dialog = document.getElementById("token")
const text = document.getElementById("token-text")
let asking = null

/** Ask for the token and return it, or null; requests that need it at the same time share one dialog. */
export function askForToken(why) {
  asking ??= new Promise((resolve) => {
    document.getElementById("token-why").textContent = why
    text.value = ""
    dialog.returnValue = ""
    dialog.addEventListener("close", () => {
      asking = null
      resolve(dialog.returnValue || null)
      text.value = ""
    }, { once: true })
    dialog.showModal()
  })
  return asking
}

dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault()
  dialog.close(text.value)
})
dialog.querySelector(".close").addEventListener("click", () => dialog.close())
