/** A picture from the camera, offered where the browser has one. */

const dialog = document.getElementById("camera")
const video = document.getElementById("video")
const open = document.getElementById("open-camera")
const shoot = document.getElementById("shoot")

/** Offer the camera; call `take(file)` with its pictures, `refuse(words)` if it cannot be used. */
export async function offerCamera(take, refuse) {
  const devices = await navigator.mediaDevices?.enumerateDevices() // only with https, and on this machine
  open.hidden = !devices?.some(({ kind }) => kind === "videoinput")
  open.addEventListener("click", () => show().catch(({ message }) => refuse(`The camera cannot be used: ${message}`)))
  dialog.querySelector(".close").addEventListener("click", () => dialog.close())
  dialog.addEventListener("close", () => {
    video.srcObject?.getTracks().forEach((track) => track.stop())
    video.srcObject = null
  })
  video.addEventListener("loadeddata", () => {
    shoot.disabled = false
    shoot.focus()
  })
  shoot.addEventListener("click", async () => {
    const canvas = document.createElement("canvas")
    canvas.width = video.videoWidth
    canvas.height = video.videoHeight
    canvas.getContext("2d").drawImage(video, 0, 0)
    dialog.close()
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95))
    take(new File([blob], "camera.jpg", { type: "image/jpeg" }))
  })
}

async function show() {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1080 } },
  })
  video.classList.toggle("mirror", stream.getVideoTracks()[0].getSettings().facingMode !== "environment")
  video.srcObject = stream
  shoot.disabled = true
  dialog.showModal()
}
