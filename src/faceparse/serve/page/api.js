/** Requests to the server, with its token and its errors of one line. */

const KEY = "faceparse-token"
let askForToken

/** Set the function that asks for a token: (why) → the token, or null if there is none. */
export function onTokenNeeded(ask) {
  askForToken = ask
}

/** Ask the server; `query` is a list of [name, value]. Returns the response, or throws an Error with one line. */
export async function request(path, { query = [], body, accept = "*/*", signal } = {}) {
  const words = new URLSearchParams(query).toString()
  for (;;) {
    const token = sessionStorage.getItem(KEY)
    const headers = {
      Accept: accept,
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body && { "Content-Type": "application/octet-stream" }), // the server looks for itself
    }
    const answer = await fetch(words ? `${path}?${words}` : path, {
      method: body ? "POST" : "GET", headers, body, signal,
    }).catch((error) => {
      signal?.throwIfAborted()
      throw new Error("The server does not answer, or the picture’s file has changed.", { cause: error })
    })
    if (answer.ok) return answer
    const line = await lineOf(answer)
    if (answer.status !== 401) throw new Error(line)
    if (sessionStorage.getItem(KEY) !== token) continue // another request has asked meanwhile
    const fresh = await askForToken(token ? "The server refuses this token." : "")
    signal?.throwIfAborted()
    if (fresh === null) throw new Error("The server needs a token.")
    sessionStorage.setItem(KEY, fresh)
  }
}

async function lineOf(answer) {
  try {
    const { detail } = await answer.json()
    return detail[0].toUpperCase() + detail.slice(1)
  } catch { // a proxy's own page, say
    return `The server answers ${answer.status} ${answer.statusText}`
  }
}
